"""From two readings to a window: differences, and zeros where a counter went back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.engines.metrics.sample import EngineSample
from tandem_operator.metrics.windows import segments_between, window_between
from tandem_operator.tuning import Window

TOTALS = (
    "request_steps", "request_step_seconds", "iterations", "generated_tokens", "first_tokens",
    "first_token_seconds", "prefill_tokens", "drafts", "draft_tokens", "bypassed_request_steps",
)  # fmt: skip
CELL = {"steps": 40.0, "seconds": 0.4, "batch": 80.0, "context": 900.0, "prefill": 0.0}


def sample(scale: float, at_s: float) -> EngineSample:
    """An engine whose counters have all been counted `scale` times, each from its own start."""
    return EngineSample(
        at_s=at_s,
        running=3,
        waiting=1,
        context_tokens=512,
        totals={name: scale * place for place, name in enumerate(TOTALS, 1)},
        accepted_by_position=(8 * scale, 4 * scale),
        drafted_by_position=(9 * scale, 9 * scale),
        cells={(2, 3, False): {part: scale * value for part, value in CELL.items()}},
        segments={"chat": (6 * scale, 2 * scale)},
    )


def between(before: EngineSample, after: EngineSample) -> Window:
    return window_between(before, after, replica="chat-1", speculation_loaded=True)


def test_every_counter_is_its_difference_and_every_gauge_the_later_one() -> None:
    window = between(sample(1, 10.0), replace(sample(3, 14.0), running=5, waiting=2))

    assert [getattr(window, name) for name in TOTALS] == [
        2.0 * place for place in range(1, len(TOTALS) + 1)
    ]
    assert (window.now_s, window.duration_s) == (14.0, 4.0)
    assert (window.running, window.waiting, window.context_tokens) == (5, 2, 512)
    assert window.accepted_by_position == (16, 8)
    assert window.drafted_by_position == (18, 18)
    assert (window.replica, window.speculation_loaded, window.reset) == ("chat-1", True, False)


def test_a_cell_is_its_difference_in_its_bucket() -> None:
    (cell,) = between(sample(1, 10.0), sample(3, 14.0)).cells or ()

    assert (cell.batch_from, cell.batch_to, cell.tokens, cell.with_prefill) == (2, 2, 3, False)
    assert (cell.steps, cell.seconds, cell.batch_sum) == (80, pytest.approx(0.8), 160)
    assert (cell.context_sum, cell.prefill_sum, cell.verified_sum) == (1800, 0, None)


def test_a_cell_that_did_not_move_is_left_out() -> None:
    assert between(sample(1, 10.0), sample(1, 14.0)).cells == ()


def test_a_bucket_that_nobody_knows_is_left_out() -> None:
    strange = replace(sample(1, 14.0), cells={(5, 3, False): CELL})

    assert between(replace(sample(0, 10.0), cells={}), strange).cells == ()


@given(st.sampled_from(TOTALS))
def test_any_total_that_went_back_is_a_restart_and_nothing_is_counted(name: str) -> None:
    before, after = sample(2, 10.0), sample(3, 14.0)
    window = between(before, replace(after, totals={**after.totals, name: 0.5}))

    assert window.reset
    assert {getattr(window, each) for each in TOTALS} == {0.0}
    assert (window.accepted_by_position, window.drafted_by_position) == ((0, 0), (0, 0))
    assert window.cells == ()


def test_a_position_that_went_back_is_a_restart_too() -> None:
    after = replace(sample(3, 14.0), accepted_by_position=(24, 1))

    assert between(sample(2, 10.0), after).reset
    assert segments_between(sample(2, 10.0), after) == {}


def test_a_position_that_was_never_reached_before_counts_from_nothing() -> None:
    before = replace(sample(1, 10.0), accepted_by_position=(8,), drafted_by_position=(9,))

    window = between(before, sample(3, 14.0))
    assert (window.accepted_by_position, window.drafted_by_position) == ((16, 12), (18, 27))


def test_an_engine_without_the_plugin_has_neither_cells_nor_true_denominators() -> None:
    stock = replace(sample(3, 14.0), drafted_by_position=None, cells=None)

    window = between(replace(sample(1, 10.0), drafted_by_position=None, cells=None), stock)
    assert (window.drafted_by_position, window.cells) == (None, None)


def test_segments_are_differences_and_a_new_one_counts_whole() -> None:
    after = replace(sample(3, 14.0), segments={"chat": (18.0, 6.0), "code": (5.0, 1.0)})

    assert segments_between(sample(1, 10.0), after) == {"chat": (12, 4), "code": (5, 1)}


def test_a_total_and_a_cell_that_are_new_count_from_nothing() -> None:
    before = replace(sample(1, 10.0), totals={"iterations": 3.0}, cells={})
    new = {(2, 3, False): {"steps": 4.0}}

    window = between(before, replace(sample(3, 14.0), cells=new))
    assert (window.iterations, window.drafts) == (6.0, 24.0)
    (cell,) = window.cells or ()
    assert (cell.steps, cell.seconds, cell.batch_sum, cell.context_sum) == (4, 0, 0, 0)
