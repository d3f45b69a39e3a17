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
from tests.unit.engines import builders
from tests.unit.engines.torch.torch_engine import TORCH, spec


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
    refusals = DRIVER.validate(spec(**changes))

    assert field in [each.field for each in refusals]
    assert {each.reason for each in refusals} == {StalledReason.UNSUPPORTED_COMBINATION}


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
    refusals = DRIVER.validate(spec(engine={"type": "Torch", "args": arguments}))

    assert (refusals[0].reason, refusals[0].field) == (
        StalledReason.INVALID_ARGUMENTS,
        f"spec.engine.args[{at}]",
    )


def test_the_drivers_options_are_those_of_the_engines_parser() -> None:
    source = (builders.REPOSITORY / "runtime/tandem_runtime/engine/server/options.py").read_text()

    for name in (*USERS, *OWNED):
        assert f'"--{name}"' in source
    assert source.count('"--') == len(USERS) + len(OWNED)


def test_more_devices_than_it_uses_are_refused() -> None:
    two = {"resource": "nvidia.com/gpu", "count": 2}

    assert [each.field for each in DRIVER.validate(spec(accelerator=two))] == [
        "spec.accelerator.count"
    ]
    assert DRIVER.validate(spec(accelerator={**two, "count": 1})) == ()
