"""Nearly every batch of every tier finds a full CUDA graph in vLLM's own dispatch; few are made.

The engine is started as the driver starts it; how many graphs that makes is printed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tandem_operator.engines import tiers
from tandem_operator.engines.vllm.depths import Depths, depths_of
from tests.unit.engines.builders import launch

DISPATCHED = Path(__file__).parent / "dispatched.py"
FULL = 0.95
SURE = 64
MOST_GRAPHS = 400
FORMER = (0, 1, 2, 3, 5, 7)
"""Tiers of an earlier release, whose query lengths do not nest."""

InEngine = Callable[..., str]


def asked(depths: Depths, batch: int, *, blackwell: bool = False) -> dict[str, Any]:
    """What the engine is started with, on a device that takes `batch` requests by default."""
    return {
        "schedule": depths.schedule,
        "deepest": depths.started,
        "tiers": depths.tiers,
        "captured_tokens": depths.captured_tokens,
        "batch": batch,
        "blackwell": blackwell,
        "upto": min(SURE, batch),
    }


ENGINES = {
    "256 requests, K to 7": (7, {}, 256, False),
    "1024 requests, K to 7": (7, {}, 1024, False),
    "1024 requests on Blackwell, K to 7": (7, {}, 1024, True),
    "1024 requests, the default K": (5, {}, 1024, False),
    "1024 requests, K to 15": (15, {}, 1024, False),
    "1024 requests on Blackwell, K to 32": (32, {}, 1024, True),
    "told to take 64 requests": (7, {"engine.args": ["--max-num-seqs=64"]}, 64, False),
    "told to take 40 requests": (15, {"engine.args": ["--max-num-seqs", "40"]}, 40, False),
}
NOT_NESTED = Depths(FORMER, 7, tuple(tiers.start_schedule(FORMER, 3, 256)))


def of(most: int, changes: dict[str, Any]) -> Depths:
    return depths_of(launch({"speculation.maxTokens": most, **changes}))


@pytest.fixture(scope="module")
def dispatched(in_engine: InEngine) -> dict[str, dict[str, Any]]:
    """What vLLM's dispatch answers, by engine; it is asked once."""
    asking = {
        name: asked(of(most, changes), batch, blackwell=blackwell)
        for name, (most, changes, batch, blackwell) in ENGINES.items()
    }
    asking["not nested"] = asked(NOT_NESTED, 1024)
    asking["fewer requests than the least"] = asked(of(7, {}), 200)
    printed = in_engine(DISPATCHED, json.dumps(list(asking.values())))
    (line,) = [each for each in printed.splitlines() if each.startswith("REPORT ")]
    answers = dict(zip(asking, json.loads(line.removeprefix("REPORT ")), strict=True))
    for name, answer in answers.items():
        print(f"{name}: {answer['graphs']} full graphs; share of batches by K: {answer['full']}")
    return answers


@pytest.mark.engine
@pytest.mark.parametrize("name", ENGINES)
def test_every_tier_finds_a_full_graph_for_nearly_every_batch(
    name: str, dispatched: dict[str, dict[str, Any]]
) -> None:
    most, changes, *_ = ENGINES[name]
    answer = dispatched[name]

    assert {int(k) for k in answer["full"]} == set(of(most, changes).tiers)
    assert {k: share for k, share in answer["full"].items() if share < FULL} == {}
    assert answer["graphs"] <= MOST_GRAPHS


@pytest.mark.engine
def test_tiers_that_do_not_nest_miss_their_graphs(dispatched: dict[str, dict[str, Any]]) -> None:
    assert min(dispatched["not nested"]["full"].values()) < 0.6


@pytest.mark.engine
def test_a_depth_that_falls_off_the_end_has_no_graph(dispatched: dict[str, dict[str, Any]]) -> None:
    full = dispatched["fewer requests than the least"]["full"]

    assert full["3"] >= FULL
    assert min(full["0"], full["1"], full["7"]) < FULL
