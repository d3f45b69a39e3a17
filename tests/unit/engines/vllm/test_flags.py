"""No spelling that vLLM's own parser takes sets what the operator sets; all else passes.

The options are those of `vllm serve` 0.32, as `hack/vllm/options.py` printed them.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.schema import structural
from tandem_operator.api.spec import Spec
from tandem_operator.engines import vllm
from tandem_operator.engines.pod import flags
from tandem_operator.engines.vllm import DRIVER
from tandem_operator.engines.vllm.flags import OWNED_CONFIG_KEYS, OWNED_FLAGS
from tests.unit.engines import builders

OPTIONS = json.loads((Path(vllm.__file__).parent / "facts" / "options.json").read_text())
OF_SPELLING = {spelling: option for option in OPTIONS for spelling in option["options"]}

OWNED_OPTIONS = frozenset(
    {
        "--model",
        "--tokenizer",
        "--tokenizer-revision",
        "--skip-tokenizer-init",
        "--revision",
        "--code-revision",
        "--config",
        "--trust-remote-code",
        "--hf-config-path",
        "--hf-overrides",
        "--hf-token",
        "--model-class-overrides",
        "--load-format",
        "--download-dir",
        "--served-model-name",
        "--speculative-config",
        "--spec-method",
        "--spec-model",
        "--spec-tokens",
        "--scheduler-cls",
        "--disable-log-stats",
        "--host",
        "--port",
        "--uds",
        "--grpc",
        "--headless",
        "--help",
        "--ssl-keyfile",
        "--ssl-certfile",
        "--ssl-ca-certs",
        "--enable-ssl-refresh",
        "--ssl-cert-reqs",
        "--ssl-ciphers",
        "--tensor-parallel-size",
        "--pipeline-parallel-size",
        "--nnodes",
        "--node-rank",
        "--master-addr",
        "--master-port",
        *(name for each in OPTIONS for name in each["options"] if name.startswith("--data-par")),
    }
)
"""Options that choose the pair, its code, its address or its layout, or blind the tuner."""


def owned(option: dict[str, object]) -> bool:
    return not OWNED_OPTIONS.isdisjoint(option["options"])  # type: ignore[arg-type]


class Parser(argparse.ArgumentParser):
    """vLLM's parser without its values: underscores are dashes, dots begin a key of an object."""

    def __init__(self) -> None:
        super().__init__(add_help=False)
        for place, option in enumerate(OPTIONS):
            action = "store" if option["words"] else "store_true"
            self.add_argument(*option["options"], dest=str(place), action=action)

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)

    def sets(self, argument: str) -> dict[str, object] | None:
        """The option that an argument sets; None where the parser refuses it."""
        key = argument.split("=", 1)[0].split(".", 1)[0]
        if key.startswith("--"):
            key = "--" + key[2:].replace("_", "-")
        for words in ([key, "1"], [key]):
            try:
                known, rest = self.parse_known_args(words)
            except ValueError:
                continue
            chosen = [place for place, value in vars(known).items() if value not in (None, False)]
            if chosen and not rest:
                return dict(OPTIONS[int(chosen[0])])
        return None


PARSER = Parser()
SPELLINGS = sorted({name for option in OPTIONS for name in option["options"]})
OWNED_SPELLINGS = sorted({n for option in OPTIONS if owned(option) for n in option["options"]})
FREE_SPELLINGS = sorted(set(SPELLINGS) - set(OWNED_SPELLINGS))
GENERATING = {"--runner": "generate", "--convert": "none", "--reasoning-parser": "qwen3"}
"""Options of which only some values leave an engine that starts and generates text."""
VALUES = {"json": "{}", "object": "{}"}
NEEDED_BY = {
    "--enable-auto-tool-choice": ("--tool-call-parser=hermes",),
    "--enable-eplb": ("--enable-expert-parallel", "--prefill-context-parallel-size=2"),
}


def refused(argument: str) -> bool:
    return flags.owned_by(argument, OWNED_FLAGS) is not None


def test_every_owned_option_is_one_of_the_engines() -> None:
    assert set(SPELLINGS) >= OWNED_OPTIONS


@pytest.mark.parametrize("spelling", OWNED_SPELLINGS)
def test_an_owned_option_is_refused_with_a_remedy_at_its_place(spelling: str) -> None:
    (error,) = DRIVER.validate(builders.spec({"engine.args": ["--seed=1", spelling]}))

    assert error.reason is StalledReason.INVALID_ARGUMENTS
    assert error.field == "spec.engine.args[1]"
    assert error.value == spelling
    assert error.remedy


@pytest.mark.parametrize("spelling", FREE_SPELLINGS)
def test_any_other_option_passes(spelling: str) -> None:
    option = OF_SPELLING[spelling]
    value = GENERATING.get(
        spelling, (option.get("choices") or [VALUES.get(option["form"], "1")])[0]
    )
    words = [value] if option["words"] else []
    underscored = spelling.replace("-", "_").replace("_", "-", 2)
    arguments = [spelling, *words, underscored, *words, *NEEDED_BY.get(spelling, ())]

    assert DRIVER.validate(builders.spec({"engine.args": arguments})) == ()


@pytest.mark.parametrize("spelling", OWNED_SPELLINGS)
def test_every_beginning_that_the_parser_takes_for_an_owned_option_is_refused(
    spelling: str,
) -> None:
    beginnings = [spelling[:length] for length in range(2, len(spelling) + 1)]
    taken = [each for each in beginnings if (set_ := PARSER.sets(each)) and owned(set_)]

    assert spelling in taken
    assert [each for each in taken if not refused(each)] == []


@given(
    spelling=st.sampled_from(OWNED_SPELLINGS),
    data=st.data(),
    tail=st.sampled_from(["", "=1", ".method", ".method=ngram", ".a.b+", "=a.b"]),
)
def test_no_spelling_of_an_owned_option_passes(
    spelling: str, data: st.DataObject, tail: str
) -> None:
    length = data.draw(st.integers(2, len(spelling)))
    dashes = [place for place in range(2, length) if spelling[place] == "-"]
    changed = data.draw(st.sets(st.sampled_from(dashes))) if dashes else set()
    letters = ["_" if place in changed else each for place, each in enumerate(spelling[:length])]
    argument = "".join(letters) + tail
    option = PARSER.sets(argument)

    assume(option is not None and owned(option))
    assert refused(argument)


@pytest.mark.parametrize(
    "argument",
    [
        "8192",
        "-1",
        "-",
        "--",
        "meta/llama",
        '{"method": "ngram"}',
        "model",
        "--max-model-len",
        "--no-enable-prefix-caching",
        "-O3",
        "-cc.mode=3",
    ],
)
def test_values_and_harmless_words_are_no_flags(argument: str) -> None:
    assert not refused(argument)


def test_every_field_that_a_remedy_names_exists() -> None:
    remedies = [flag.remedy for flag in OWNED_FLAGS] + [*OWNED_CONFIG_KEYS.values()]
    paths = {path for each in remedies for path in re.findall(r"spec(?:\.[a-zA-Z]+)+", each)}

    assert "spec.target.uri" in paths
    assert [path for path in sorted(paths) if not _exists(path)] == []


def _exists(path: str) -> bool:
    schema = structural(Spec)
    for part in path.split(".")[1:]:
        schema = schema.get("properties", {}).get(part)
        if schema is None:
            return False
    return True


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (("--max-num-seqs", "8"), "8"),
        (("--max_num_seqs=8", "--max-num-seqs=16"), "16"),
        (("--max-num-seqs",), None),
        (("--max-num-batched-tokens", "8"), None),
    ],
)
def test_the_last_value_of_an_option_counts(arguments: tuple[str, ...], value: str | None) -> None:
    assert flags.value_of(arguments, "max-num-seqs") == value
