"""How much requests differ is found again in the latencies of a simulated engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hack.tuning.spread import GRID, spread_of
from tandem_operator.bench.measured import Measured, Sample
from tandem_operator.bench.plan import Block
from tandem_operator.simulation.loops import mixed_loop
from tandem_operator.simulation.policies import Fixed
from tandem_operator.simulation.run import run
from tests.unit.simulation.builders import survival, world

HAZARD, NEW_TOKENS = 0.7, 96
CURVES = {"other": tuple(survival(HAZARD)["other"])}


def block(tokens: int, spread: float, clients: int = 1) -> Measured:
    """A block of a simulated engine whose requests differ by `spread`."""
    trace = mixed_loop(clients, {"other": 1.0}, (100,), (NEW_TOKENS,), seed=tokens)
    account = run(
        world(clients, HAZARD, 60.0, trace=trace, spread={"": spread}), Fixed("fixed", tokens)
    )
    steps = sum(one.steps for one in account.timeline)
    step_s = sum(one.busy_s for one in account.timeline) / steps
    return Measured(
        block=Block(0, clients, tokens, "other"),
        samples=(Sample(clients, tokens, step_s, steps, 300.0, 0.0),),
        accepted=(),
        reached=(),
        tokens_per_s=100.0,
        latencies_s=tuple(one.end_s - one.arrived_s for one in account.finished),
    )


@pytest.mark.parametrize("spread", [0.0, 0.25, 0.7])
def test_what_requests_differ_by_is_found_again(spread: float) -> None:
    found = spread_of([block(tokens, spread) for tokens in (3, 7)], CURVES, NEW_TOKENS)

    assert abs(GRID.index(found["other"]) - GRID.index(spread)) <= 2


def test_blocks_of_a_slower_machine_look_no_less_alike() -> None:
    own = block(3, 0.25)
    slow = replace(
        own,
        samples=tuple(replace(one, seconds=2 * one.seconds) for one in own.samples),
        latencies_s=tuple(2 * value for value in own.latencies_s),
    )
    alone, both = (spread_of(blocks, CURVES, NEW_TOKENS) for blocks in ([own], [own, slow]))
    assert abs(GRID.index(alone["other"]) - GRID.index(both["other"])) <= 1


def test_the_fewest_clients_tell() -> None:
    queued = replace(block(3, 0.0, clients=4), latencies_s=(1.0, 30.0) * 200)
    assert spread_of([block(3, 0.0), queued], CURVES, NEW_TOKENS)["other"] <= GRID[2]


def test_without_drafts_nothing_is_told() -> None:
    assert spread_of([block(0, 0.25)], CURVES, NEW_TOKENS) == {}
