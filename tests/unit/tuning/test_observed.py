"""What a window tells of steps: true cells of the plugin, or one mean of stock counters."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tandem_operator.tuning import StepCell
from tandem_operator.tuning.step_time.cells import Steps, gathered, observed
from tandem_operator.tuning.step_time.regression import kinds_of
from tests.unit.tuning.builders import window

CELL = StepCell(
    batch_from=4, batch_to=4, tokens=3, with_prefill=False, steps=100, seconds=2.0,
    batch_sum=400, context_sum=200_000, prefill_sum=0,
)  # fmt: skip


def steps_of(cell: StepCell) -> tuple[Steps, ...]:
    return observed(window(2.0, tokens=3, acceptance=0.7, cells=(cell,)), 800.0)


def of_stock(**other: Any) -> Steps:
    """What 100 steps of four requests tell that drafted three tokens each."""
    (steps,) = observed(window(2.0, tokens=3, acceptance=0.7, **other), 800.0)
    return steps


def test_a_cell_tells_the_means_of_its_steps() -> None:
    (steps,) = steps_of(CELL)
    assert (steps.steps, steps.seconds, steps.batch, steps.depth) == (100, 0.02, 4.0, 3.0)
    assert (steps.context, steps.verified, steps.prefill) == (2000.0, 16.0, 0.0)


@pytest.mark.parametrize(
    "other",
    [
        {"steps": 0.5},
        {"tokens": 33},
        {"tokens": -1},
        {"seconds": 1e-9},
        {"seconds": 1e6},
        {"batch_sum": 50},
        {"context_sum": 1e12},
        {"prefill_sum": 1e12},
        {"verified_sum": 100.0},
        {"verified_sum": 4000.0},
    ],
)
def test_a_cell_that_no_steps_can_have_made_tells_nothing(other: dict[str, Any]) -> None:
    assert steps_of(replace(CELL, **other)) == ()


def test_stock_counters_tell_one_mean() -> None:
    steps = of_stock()
    assert (steps.steps, steps.seconds, steps.batch, steps.depth) == (100, 0.02, 4.0, 3.0)
    assert (steps.context, steps.verified, steps.with_prefill) == (3200.0, 16.0, False)


def test_a_stock_window_is_one_of_prefill_where_steps_carry_large_chunks() -> None:
    busy = of_stock(prefill_tokens=100_000, first_tokens=50)
    assert (busy.with_prefill, busy.prefill_share, busy.prefill) == (True, 0.5, 2000.0)
    assert not of_stock(prefill_tokens=2000, first_tokens=50).with_prefill, "chunks of 40 tokens"
    assert not of_stock(prefill_tokens=2000, first_tokens=1).with_prefill, "one step of a hundred"


def test_the_more_prefill_a_stock_window_holds_the_less_sure_is_its_mean() -> None:
    """A mean step of 200 prefill tokens is half way to the most."""
    assert of_stock().form_error == pytest.approx(0.03)
    assert of_stock(prefill_tokens=20_000, first_tokens=10).form_error == pytest.approx(0.105)
    assert of_stock(prefill_tokens=20_000, first_tokens=100).form_error == pytest.approx(0.105)


def test_what_is_not_seen_again_fades_to_a_third_in_700_seconds() -> None:
    (old,), (other,) = steps_of(CELL), steps_of(replace(CELL, tokens=1))
    by_tokens = {steps.tokens: steps for steps in gathered((old,), (other,), 700.0)}
    assert by_tokens[3].steps == pytest.approx(100 * math.exp(-1.0), abs=0.01)
    assert by_tokens[1].steps == 100


def test_steps_are_foretold_without_prefill_unless_it_is_named() -> None:
    batch, depth = np.array([4.0]), np.array([3.0])
    assert kinds_of(batch, depth, 500.0).ravel().tolist() == [4, 3, 1, 2000, 16, 0, 0]
    assert kinds_of(batch, depth, 500.0, 64.0).ravel().tolist() == [4, 3, 1, 2000, 16, 64, 1]
