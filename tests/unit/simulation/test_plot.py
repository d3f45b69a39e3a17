"""Lines of a plot are means over stretches, and idle stretches have no K."""

from __future__ import annotations

import pytest

from tandem_operator.simulation.results.plot import POINTS, series
from tests.unit.simulation.builders import moment


def test_a_long_run_is_drawn_by_means() -> None:
    moments = [moment(2.0 * number, running=number % 2) for number in range(1, 20 * POINTS + 1)]
    times, values = series(moments, lambda one: float(one.running))
    assert len(times) == POINTS
    assert values == pytest.approx([0.5] * POINTS)
    assert times[-1] == pytest.approx(2.0 * 20 * POINTS / 60, rel=0.01)


def test_what_is_unknown_is_left_out() -> None:
    moments = [moment(60.0), moment(120.0, steps=0), moment(180.0)]
    times, _ = series(moments, lambda one: one.tokens if one.steps else None)
    assert times == [1.0, 3.0]
