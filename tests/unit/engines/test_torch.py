"""The torch engine's driver.

Covered: methods and their words; what of a spec and of a pair is refused, and what stays allowed;
options that the engine really has; the container.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.torch import DRIVER
from tandem_operator.engines.torch.options import OWNED, USERS
from tandem_runtime.contract import torch_engine
from tandem_runtime.contract.model_facts import ModelFacts
from tandem_runtime.contract.report import PairReport, SideReport
from tests.unit.engines import builders

TORCH = {"engine": {"type": "Torch"}}


def spec(**changes: Any) -> Any:
    return builders.spec({**TORCH, **{k.replace("__", "."): v for k, v in changes.items()}})


def rendered(**changes: Any) -> Any:
    launch = builders.launch({**TORCH, **{k.replace("__", "."): v for k, v in changes.items()}})
    return DRIVER.render(
        replace(
            launch,
            installation=replace(
                launch.installation, torch_image="registry.example/tandem-engine:1"
            ),
        )
    )


def report(target: dict[str, Any], draft: dict[str, Any] | None = None) -> PairReport:
    draft_side = None if draft is None else SideReport("hf://org/draft", **draft)
    return PairReport(
        "Compatible", "Equal", True, "", SideReport("hf://org/target", **target), draft_side
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["--method=draft_model", "--draft=/models/draft"]),
        ({"speculation__method": "NGram"}, ["--method=ngram"]),
        (
            {"speculation__method": "NGram", "speculation__nGram": {"minLookup": 2}},
            ["--prompt-lookup-min=2"],
        ),
        (
            {"speculation__method": "LayerSkip", "speculation__layerSkip": {"exitLayer": 4}},
            ["--method=layer_skip", "--exit-layer=4"],
        ),
        ({"accelerator__resource": "nvidia.com/gpu"}, ["--device=cuda"]),
    ],
)
def test_each_method_is_started_by_its_own_words(changes: Any, words: list[str]) -> None:
    assert DRIVER.validate(spec(**changes)) == ()
    assert set(words) <= set(rendered(**changes).leader.container["args"])


def test_k_is_looked_up_at_each_step_and_its_tiers_are_named() -> None:
    parts = rendered()

    assert DRIVER.live_mode(spec()) is LiveMode.LOOKUP
    assert builders.env(parts)["TANDEM_TIERS"] == ",".join(map(str, parts.tiers))
    assert {0, 1, 7} <= set(parts.tiers)


def test_without_speculation_nothing_is_drafted() -> None:
    parts = DRIVER.render(replace(builders.launch(TORCH), without_speculation=True))

    assert parts.tiers == (0,)
    assert not [word for word in parts.leader.container["args"] if "--method" in word]


def test_the_charts_image_is_taken_where_the_spec_names_none() -> None:
    assert rendered().leader.container["image"] == "registry.example/tandem-engine:1"
    own = rendered(engine={"type": "Torch", "image": "own/engine:2"})
    assert own.leader.container["image"] == "own/engine:2"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"speculation__method": "Eagle3"}, "spec.speculation.method"),
        ({"speculation__method": "Suffix"}, "spec.speculation.method"),
        ({"parallelism__tensor": 2}, "spec.parallelism.tensor"),
        ({"parallelism__data": 2}, "spec.parallelism.data"),
        ({"speculation__engineConfig": {"a": 1}}, "spec.speculation.engineConfig.a"),
        ({"speculation__draftTensorParallel": 1}, "spec.speculation.draftTensorParallel"),
    ],
)
def test_what_it_cannot_do_is_refused_at_its_field(changes: Any, field: str) -> None:
    found = DRIVER.validate(spec(**changes))

    assert field in [each.field for each in found]
    assert {each.reason for each in found} == {StalledReason.UNSUPPORTED_COMBINATION}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--dtype", "bfloat16", "--max-model-len=512"],
        ["--compile", "--threads", "2"],
        ["--max-num-seqs=$(SEQUENCES)"],
    ],
)
def test_its_own_options_are_passed_on(arguments: list[str]) -> None:
    engine = {"type": "Torch", "args": arguments}

    assert DRIVER.validate(spec(engine=engine)) == ()
    assert rendered(engine=engine).leader.container["args"][-len(arguments) :] == arguments


@pytest.mark.parametrize(
    ("arguments", "at"),
    [
        (["--enforce-eager"], 0),
        (["--max-model", "512"], 0),
        (["--threads", "2", "stray"], 2),
        (["--compile", "stray"], 1),
        (["--compile", "$(ANY)"], 1),
        (["--port=1"], 0),
        (["--initial-tokens", "2"], 0),
        (["-x"], 0),
    ],
)
def test_an_option_that_it_lacks_or_that_is_the_operators_is_refused(
    arguments: list[str], at: int
) -> None:
    found = DRIVER.validate(spec(engine={"type": "Torch", "args": arguments}))

    assert (found[0].reason, found[0].field) == (
        StalledReason.INVALID_ARGUMENTS,
        f"spec.engine.args[{at}]",
    )


def test_the_drivers_options_are_those_of_the_engines_parser() -> None:
    source = (builders.REPOSITORY / "runtime/tandem_runtime/engine/server/options.py").read_text()

    for name in (*USERS, *OWNED):
        assert f'"--{name}"' in source
    assert source.count('"--') == len(USERS) + len(OWNED)


@pytest.mark.parametrize("architecture", [*torch_engine.ARCHITECTURES, None])
def test_architectures_that_it_computes_are_allowed(architecture: str | None) -> None:
    facts = ModelFacts(weights="safetensors")
    pair = report({"architecture": architecture, "facts": facts}, {"architecture": architecture})

    assert DRIVER.judge_pair(spec(), pair).allowed


@pytest.mark.parametrize(
    ("target", "draft", "said"),
    [
        ({"architecture": "MixtralForCausalLM"}, {}, "MixtralForCausalLM"),
        ({}, {"architecture": "GPT2LMHeadModel"}, "GPT2LMHeadModel"),
        ({"facts": ModelFacts(weights="gguf")}, {}, "gguf"),
        ({"facts": ModelFacts(quantization="awq")}, {}, "awq"),
        ({"config_vocab_size": 100}, {"config_vocab_size": 101}, "101"),
    ],
)
def test_a_pair_that_it_cannot_compute_is_refused_with_its_name(
    target: Any, draft: Any, said: str
) -> None:
    found = DRIVER.judge_pair(spec(), report(target, draft))

    assert len(found.refusals) == 1
    assert said in str(found.refusals[0])


def test_a_context_longer_than_the_models_is_refused() -> None:
    longer = spec(engine={"type": "Torch", "args": ["--max-model-len=4096"]})
    pair = report({"facts": ModelFacts(context_length=2048)}, {})

    assert not DRIVER.judge_pair(longer, pair).allowed
    assert DRIVER.judge_pair(spec(), pair).allowed
