"""Which counters are believed, and what is said of those that are not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tandem_operator.tuning import Settings, StepCell, Window, initial_state, tune
from tandem_operator.tuning.window_validation import problem_of
from tests.unit.tuning.builders import window

CELL = StepCell(
    batch_from=4, batch_to=4, tokens=3, with_prefill=False, steps=100, seconds=2.0,
    batch_sum=400, context_sum=200_000, prefill_sum=0,
)  # fmt: skip


def seen(**other: Any) -> Window:
    """400 drafts of three tokens, 280 of whose first ones were accepted."""
    return window(2.0, **({"tokens": 3, "acceptance": 0.7} | other))


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"tokens": 0},
        {"iterations": 0},
        {"generated_tokens": 1e12},
        {"accepted_by_position": (440.0, 400.0, 150.0)},
        {"accepted_by_position": (280.0, 300.0, 137.0)},
        {"cells": (CELL,)},
        {"cells": (replace(CELL, verified_sum=1500.0),)},
    ],
    ids=[
        "honest",
        "K=0",
        "no step counted",
        "largest",
        "a step late",
        "one a step late",
        "cells",
        "true cells",
    ],
)
def test_what_an_engine_can_have_counted_is_believed(other: dict[str, Any]) -> None:
    assert problem_of(seen(**other)) is None


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({"waiting": float("nan")}, "waiting is nan"),
        ({"generated_tokens": 1.1e12}, "generated_tokens is impossibly large"),
        ({"first_tokens": -1}, "first_tokens is negative"),
        ({"accepted_by_position": (600.0, 0.0, 0.0)}, "600 first drafts accepted of 400"),
        ({"accepted_by_position": (450.0,) * 3}, "1350 drafted tokens accepted of 1200"),
        ({"accepted_by_position": (10.0, 10.0, 300.0)}, "more accepted at position 2 than before"),
        ({"drafted_by_position": (600.0,)}, "600 drafts reach position 0 of 400"),
        ({"drafted_by_position": (100.0,)}, "280 accepted at position 0 of 100 drafted"),
        ({"request_step_seconds": 1e6}, "a mean step of 2500 s"),
        ({"iterations": 1e-3}, "400 request steps in 0.001 steps"),
        (
            {"drafts": 1e-7, "accepted_by_position": ()},
            "1e-07 drafts, which are counted one by one",
        ),
        ({"cells": (replace(CELL, seconds=float("inf")),)}, "cells.seconds is inf"),
        ({"cells": (replace(CELL, verified_sum=-1.0),)}, "cells.verified_sum is negative"),
    ],
)
def test_what_cannot_have_been_counted_is_named(other: dict[str, Any], problem: str) -> None:
    assert problem in (problem_of(seen(**other)) or "")


def test_an_engine_that_drafts_nothing_for_long_is_still_believed() -> None:
    settings = Settings(max_tokens=7)
    state = initial_state(settings)
    for turn in range(1, 6):
        state, decision = tune(state, (window(2.0 * turn, tokens=0, acceptance=0.0),), settings)
        assert decision.reason != "ImpossibleCounters"
