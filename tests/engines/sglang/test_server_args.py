"""What the driver renders SGLang's own parser and checks take, and what it refuses they refuse.

The words are those of the container, after `tandem_runtime.start` has read a real table file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tandem_operator.api.spec import Method, Spec
from tandem_operator.engines.interface.launch import Launch
from tandem_operator.engines.sglang import DRIVER
from tandem_operator.engines.sglang.arguments import ADAPTIVE_FILE, SERVER
from tandem_operator.engines.sglang.methods import ADAPTIVE, METHODS
from tandem_runtime.contract import paths, table
from tandem_runtime.contract.table import Range, SpeculationTable
from tests.unit.engines import builders
from tests.unit.engines.sglang.builders import spec

Object = dict[str, Any]
TELL = "import json, sys; print(json.dumps(sys.argv[1:]))"
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 32_000,
    "hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 2,
    "num_attention_heads": 8, "num_key_value_heads": 2, "max_position_embeddings": 4096,
    "hidden_act": "silu", "rms_norm_eps": 1e-6, "torch_dtype": "bfloat16",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One spec; ``limit`` is the table's limit of requests."""

    name: str
    spec: Spec
    limit: int | None = None
    without_speculation: bool = False
    more: tuple[str, ...] = ()


def cases() -> list[Case]:
    collected = []
    for method in METHODS:
        collected.append(Case(f"{method} on a GPU", spec(method, {"parallelism.tensor": 2})))
        on_cpu = {"accelerator.resource": "None", "speculation.maxTokens": 1}
        collected.append(Case(f"{method} on a CPU", spec(method, on_cpu)))
    for method in sorted(ADAPTIVE):
        changes = {"speculation.engineConfig": {"adaptive": True}}
        collected.append(Case(f"{method} adaptive", spec(method, changes)))
        collected.append(Case(f"{method} adaptive to 8", spec(method, changes), limit=8))
    collected.append(Case("without", spec(Method.EAGLE3), without_speculation=True))
    keys = {
        "attention_mode": "decode", "draft-kv-cache-dtype": "fp8_e4m3",
        "speculative_draft_window_size": 512, "use_rejection_sampling": True,
    }  # fmt: skip
    collected.append(Case("keys", spec(Method.EAGLE3, {"speculation.engineConfig": keys})))
    trie = {"ngram_max_trie_depth": 12, "ngram_capacity": 1000}
    collected.append(Case("trie", spec(Method.N_GRAM, {"speculation.engineConfig": trie})))
    return collected


def refused() -> list[Case]:
    """What the driver refuses because SGLang does; the words are rendered all the same."""
    pipeline = {"parallelism.pipeline": 2}
    return [
        *(
            Case(f"{method} in a pipeline", spec(method, pipeline), more=("--pp-size=2",))
            for method in METHODS
        ),
        Case(
            "rejection sampling of a draft model",
            spec(
                Method.DRAFT_MODEL,
                {"speculation.engineConfig": {"use_rejection_sampling": True}},
            ),
        ),
        Case(
            "a dtype that is none",
            spec(Method.EAGLE3, {"speculation.engineConfig": {"draft_kv_cache_dtype": "int3"}}),
        ),
    ]


def started(case: Case, place: Path) -> list[str]:
    """The words that SGLang is given, of models that stand in a folder."""
    launch = Launch(
        "chat", case.spec, "0123456789abcdef", "{}", builders.INSTALLATION, builders.report()
    )
    launch = replace(launch, without_speculation=case.without_speculation)
    parts = DRIVER.render(launch)
    container = parts.leader.container
    own, words = container["args"][: container["args"].index("--")], container["args"]
    words = words[len(own) + 1 + len(SERVER) :]
    table_at_start = SpeculationTable(
        lock="", generation=1, schedule=(Range(1, 256, 3),), max_concurrency=case.limit
    )
    (place / "table.json").write_text(table.render(table_at_start))
    env = os.environ | {"PYTHONPATH": str(builders.REPOSITORY / "runtime")}
    env |= {"TANDEM_TABLE_FILE": str(place / "table.json")}
    env |= {"TANDEM_TIERS": ",".join(map(str, parts.tiers))}
    own = [word.replace(ADAPTIVE_FILE, str(place / "adaptive.json")) for word in own]
    done = subprocess.run(
        [
            sys.executable, "-m", "tandem_runtime.start", *own, "--", sys.executable, "-c", TELL,
            *words,
        ],
        capture_output=True, text=True, timeout=60, env=env, check=True,
    )  # fmt: skip
    assert "tandem:" not in done.stderr
    text = done.stdout.replace(paths.TARGET, str(place)).replace(paths.DRAFT, str(place))
    device = [] if case.spec.accelerator.resource == "None" else ["--device=cuda"]
    return [*json.loads(text), *device, *case.more]


@pytest.fixture(scope="module")
def resolved(
    ask: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Object]:
    """What SGLang says of each case, by its name."""
    asked = [*cases(), *refused()]
    words = []
    for case in asked:
        place = tmp_path_factory.mktemp("model")
        (place / "config.json").write_text(json.dumps(CONFIG))
        words.append(started(case, place))
    file = tmp_path_factory.mktemp("asked") / "asked.json"
    file.write_text(json.dumps(words))
    return dict(zip((case.name for case in asked), ask(str(file)), strict=True))


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_what_is_rendered_is_taken_as_it_is_meant(case: Case, resolved: dict[str, Object]) -> None:
    assert DRIVER.validate(case.spec) == ()
    answer = resolved[case.name]
    assert "refused" not in answer, answer
    if case.without_speculation:
        assert answer["algorithm"] is None
        return
    method, most = case.spec.speculation.method, case.spec.speculation.max_tokens
    # NEXTN is another name of EAGLE to SGLang, and its n-grams count steps by tokens and breadth.
    wanted = {"NEXTN": "EAGLE"}.get(METHODS[method], METHODS[method])
    tokens = 3 if answer["adaptive"] else most
    assert (answer["algorithm"], answer["topk"]) == (wanted, 1)
    assert answer["draft_tokens"] == tokens + 1
    assert answer["steps"] == (tokens + 1 if method is Method.N_GRAM else tokens)
    assert answer["adaptive"] == case.name.startswith(f"{method} adaptive")


def test_the_adaptive_file_gives_all_tiers_up_to_the_limit_and_none_above(
    resolved: dict[str, Object],
) -> None:
    everywhere = resolved["Eagle3 adaptive"]["candidates"]
    assert set(map(tuple, everywhere.values())) == {(0, 1, 3, 7)}

    limited = resolved["Eagle3 adaptive to 8"]["candidates"]
    assert {size: steps == [0] for size, steps in limited.items()} == {
        "1": False, "8": False, "9": True, "64": True, "65": True, "500": True,
    }  # fmt: skip


@pytest.mark.parametrize("case", refused(), ids=lambda case: case.name)
def test_what_sglang_refuses_is_refused_beforehand(case: Case, resolved: dict[str, Object]) -> None:
    assert "refused" in resolved[case.name], resolved[case.name]
    assert DRIVER.validate(case.spec)


def test_the_kept_options_are_those_of_this_sglang(ask: Callable[[str], Any]) -> None:
    kept = json.loads(
        (builders.REPOSITORY / "tests/unit/engines/sglang/options_0_5_23.json").read_text()
    )
    assert ask("options") == kept
