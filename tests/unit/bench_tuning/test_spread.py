"""How much requests differ is found again in the latencies of a simulated engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from hack.tuning.spread import GRID, spread_of
from tandem_operator.bench.measured import Measured, Sample
from tandem_operator.bench.plan import Block
from tandem_operator.simulation.policies import Fixed
from tandem_operator.simulation.run import run
from tandem_operator.simulation.world.load.loops import mixed_loop
from tests.unit.simulation.builders import survival, world

NEW_TOKENS = 96
CURVES = {"code": survival(0.75)["other"], "prose": survival(0.5)["other"]}
MIXES = {"code": {"code": 1.0}, "both": {"code": 0.5, "prose": 0.5}}


def block(
    tokens: int, spread: Mapping[str, float], clients: int = 1, segment: str = "code"
) -> Measured:
    """A block of a simulated engine whose requests differ by `spread`."""
    trace = mixed_loop(clients, MIXES[segment], (100,), (NEW_TOKENS,), seed=tokens)
    simulated = world(clients, 0.7, 60.0, trace=trace, spread=spread, survival_at=lambda _: CURVES)
    account = run(simulated, Fixed("fixed", tokens))
    steps = sum(one.steps for one in account.timeline)
    step_s = sum(one.busy_s for one in account.timeline) / steps
    return Measured(
        block=Block(0, clients, tokens, segment),
        samples=(Sample(clients, tokens, step_s, steps, 300.0, 0.0),),
        accepted=(),
        reached=(),
        tokens_per_s=100.0,
        latencies_s=tuple(one.end_s - one.arrived_s for one in account.finished),
    )


def estimated_spreads(*blocks: Measured) -> Mapping[str, float]:
    return spread_of(blocks, MIXES, {kind: tuple(c) for kind, c in CURVES.items()}, NEW_TOKENS)


@pytest.mark.parametrize("spread", [0.0, 0.25, 0.7])
def test_what_requests_differ_by_is_found_again(spread: float) -> None:
    spreads = estimated_spreads(*(block(tokens, {"code": spread}) for tokens in (3, 7)))

    assert spreads.keys() == {"code"}
    assert abs(GRID.index(spreads["code"]) - GRID.index(spread)) <= 2


@pytest.mark.parametrize(("code", "prose"), [(0.25, 0.0), (0.1, 0.5)])
def test_a_kind_that_is_never_asked_alone_is_told_by_those_who_ask_both(
    code: float, prose: float
) -> None:
    spread = {"code": code, "prose": prose}
    alone = [block(tokens, spread) for tokens in (1, 3, 7)]
    both = [block(tokens, spread, clients=4, segment="both") for tokens in (1, 3, 7)]
    spreads = estimated_spreads(*alone, *both)

    assert abs(GRID.index(spreads["prose"]) - GRID.index(prose)) <= 3
    assert abs(GRID.index(spreads["code"]) - GRID.index(code)) <= 2


def test_blocks_of_a_slower_machine_look_no_less_alike() -> None:
    own = block(3, {"code": 0.25})
    slow = replace(
        own,
        samples=tuple(replace(one, seconds=2 * one.seconds) for one in own.samples),
        latencies_s=tuple(2 * value for value in own.latencies_s),
    )
    alone, both = estimated_spreads(own), estimated_spreads(own, slow)
    assert abs(GRID.index(alone["code"]) - GRID.index(both["code"])) <= 1


def test_a_load_with_hardly_an_answer_tells_nothing() -> None:
    few = replace(block(3, {"code": 0.0}, 4, "both"), latencies_s=(1.0, 30.0) * 5)
    assert estimated_spreads(block(3, {"code": 0.0}), few).keys() == {"code"}


def test_without_drafts_nothing_is_told() -> None:
    assert estimated_spreads(block(0, {"code": 0.25})) == {}
