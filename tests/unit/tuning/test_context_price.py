"""What a context token costs is told from the same kind of step at different contexts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.tuning.step_time.cells import Steps
from tandem_operator.tuning.step_time.context import ContextPrice, at_new_pace, learned
from tandem_operator.tuning.step_time.regression import fit, matrix, predicted_s

STEP_S = 0.012
A_LOT_S = 6e-6


def steps(context: float, seconds: float, count: float = 100.0) -> Steps:
    """Steps of one request at K=3."""
    return Steps(
        bucket=0,
        tokens=3,
        with_prefill=False,
        blend=0,
        steps=count,
        seconds=seconds,
        batch=1.0,
        depth=3.0,
        drafting=1.0,
        context=context,
        verified=4.0,
        prefill=0.0,
        prefill_share=0.0,
        form_error=0.02,
    )


def seen(contexts: Sequence[float], price_s: float) -> ContextPrice:
    cell = steps(500.0, STEP_S + 500.0 * price_s)
    pairs = [(steps(context, STEP_S + context * price_s), cell) for context in contexts]
    return learned(ContextPrice(), pairs, 2.0)


@pytest.mark.parametrize("price_s", [1e-8, A_LOT_S, 1e-5])
def test_the_price_is_the_slope_within_one_kind(price_s: float) -> None:
    price = seen([100.0, 900.0, 2000.0], price_s)
    assert price.products / price.squares == pytest.approx(price_s, rel=1e-3)


def test_it_is_not_believed_before_windows_tell_it_from_nothing() -> None:
    assert seen([510.0, 490.0], A_LOT_S).believed_s is None
    assert seen([100.0, 2000.0] * 4, A_LOT_S).believed_s == pytest.approx(A_LOT_S, rel=1e-3)


def test_a_fit_with_a_believed_price_foretells_longer_contexts() -> None:
    cell = steps(500.0, STEP_S + 500.0 * A_LOT_S)
    price = seen([100.0, 2000.0] * 4, A_LOT_S)
    longer = steps(2500.0, 0.0)

    predicted = predicted_s(
        known := fit((cell,), STEP_S, None, price), matrix((longer,), None, 1.0)
    )
    blind = predicted_s(fit((cell,), STEP_S, None), matrix((longer,), None, 1.0))

    assert known.theta[1] == pytest.approx(A_LOT_S, rel=0.1)
    assert float(predicted[0]) == pytest.approx(STEP_S + 2500.0 * A_LOT_S, rel=0.1)
    assert float(blind[0]) < 0.7 * float(predicted[0])


def test_at_twice_the_step_time_the_price_is_twice_as_high_and_less_sure() -> None:
    price = seen([100.0, 2000.0] * 4, A_LOT_S)
    after = at_new_pace(price, math.log(2.0), 0.1)
    assert after.products / after.squares == pytest.approx(2.0 * A_LOT_S, rel=1e-3)
    assert after.squares < price.squares


@given(
    st.lists(
        st.tuples(st.floats(0, 1e9), st.floats(1e-6, 1e3), st.floats(0, 1e6), st.floats(0, 1e9)),
        max_size=8,
    )
)
def test_absurd_windows_leave_it_finite(
    windows: list[tuple[float, float, float, float]],
) -> None:
    price = ContextPrice()
    for context, seconds, count, duration_s in windows:
        pairs = [(steps(context, seconds, count), steps(500.0, STEP_S))]
        price = learned(price, pairs, duration_s)
        assert math.isfinite(price.products)
        assert math.isfinite(price.squares)
        assert price.believed_s is None or price.believed_s > 0


def squares(cell_s: float, count: float) -> float:
    """How much one window of so many steps tells, whose kind takes this long."""
    pair = steps(900.0, cell_s, count), steps(500.0, cell_s)
    return learned(ContextPrice(), [pair], 2.0).squares


def test_windows_tell_by_their_relative_error_and_more_of_many_steps() -> None:
    assert squares(0.01, 100.0) == pytest.approx(100 * squares(0.1, 100.0), rel=1e-4)
    assert 1.5 * squares(0.01, 1.0) < squares(0.01, 100.0) < 5 * squares(0.01, 1.0)
