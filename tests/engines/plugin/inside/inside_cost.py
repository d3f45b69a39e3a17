"""What the plugin adds to a step of the scheduler, in microseconds, when nothing changes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tandem_runtime.contract.table import Explore, Range, Segment, SpeculationTable
from tests.engines.plugin.inside.bench import Bench

LIMIT_US = 100.0
"""For one request to 64. Guards against a step that grows, with room for a busy machine."""
LIMIT_256_US = 250.0
"""A step of 256 requests takes an engine tens of milliseconds."""
STEPS = 400


def cost_us(batch: int, table: SpeculationTable, asynchronous: bool) -> float:
    """Processor time of the plugin's hooks in a step, counting spread over the steps.

    The lowest decile of many rounds: neighbours on the machine cost caches, not the plugin.
    """
    bench = Bench(asynchronous, blocks=batch * 70 + 100, most_requests=max(batch, 32), accepts=0.0)
    bench.plans.put(table)
    spent: list[float] = [0.0]

    def timed(hook: Any) -> Any:
        def call(*arguments: Any) -> None:
            started = time.thread_time()
            hook(*arguments)
            spent[-1] += time.thread_time() - started

        return call

    for name in ("before", "decided", "returned"):
        setattr(bench.live, name, timed(getattr(bench.live, name)))
    nothing = timed(lambda: None)
    for _ in range(1000):
        nothing()
    clock_s, spent[-1] = spent[-1] / 1000, 0.0
    for number in range(batch):
        bench.add(f"r{number}", tokens=1000)
    for _ in range(100):
        bench.step()
    rounds = []
    for _ in range(STEPS // 16):
        spent.append(0.0)
        for _ in range(16):
            bench.step()
        rounds.append(spent[-1] / 16 - 3 * clock_s)
    return sorted(rounds)[len(rounds) // 10] * 1e6


PLAIN = SpeculationTable(lock="", generation=1, schedule=(Range(1, 512, 1),))
FULL = SpeculationTable(
    lock="",
    generation=1,
    schedule=(Range(1, 512, 1),),
    prefill_schedule=(Range(1, 512, 1),),
    explore=Explore(every=200, steps=3, offsets=(1, -1)),
    segments={"s": Segment(2)},
    max_concurrency=500,
)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("batch", [1, 8, 64])
def test_a_step_in_which_nothing_changes_costs_little(batch: int, asynchronous: bool) -> None:
    costs = {
        name: cost_us(batch, table, asynchronous)
        for name, table in (("plain", PLAIN), ("full", FULL))
    }

    print(f"batch {batch}: {costs}")
    assert max(costs.values()) < LIMIT_US


def test_a_step_of_256_requests_costs_a_fraction_of_a_millisecond() -> None:
    cost = cost_us(256, FULL, True)

    print(f"batch 256: {cost}")
    assert cost < LIMIT_256_US
