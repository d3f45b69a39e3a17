"""Drifts change acceptance when they say, and give the same object while nothing changes."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_operator.simulation.world.drift import DRIFTS, DriftError, drifting, shifted
from tests.unit.simulation.builders import survival

HORIZON_S = 3600.0


def test_without_drift_nothing_ever_changes() -> None:
    at = drifting(survival(0.8), "none", 0, HORIZON_S)
    assert at(0.0) is at(3000.0)
    assert at(0.0)["other"][0] == pytest.approx(0.8)


def test_a_collapse_takes_the_middle_third() -> None:
    at = drifting(survival(0.8), "collapse", 0, HORIZON_S)
    first = [at(now_s)["other"][0] for now_s in (600.0, 1800.0, 3000.0)]
    assert first == pytest.approx([0.8, 4 * np.exp(-2.5) / (1 + 4 * np.exp(-2.5)), 0.8])


@pytest.mark.parametrize("name", DRIFTS)
def test_every_drift_is_the_same_for_the_same_seed_and_never_rises_by_position(name: str) -> None:
    one, other = (drifting(survival(0.8), name, 4, HORIZON_S) for _ in range(2))
    for now_s in np.arange(0.0, HORIZON_S, 97.0):
        curve = one(now_s)["other"]
        assert curve == pytest.approx(other(now_s)["other"])
        assert np.all(np.diff(curve) <= 0)
        assert one(now_s) is one(now_s)


def test_no_shift_is_no_change() -> None:
    curve = np.array([0.7, 0.5, 0.2])
    assert shifted(curve, 0.0) == pytest.approx(curve)


def test_an_unknown_drift_is_named() -> None:
    with pytest.raises(DriftError, match="tide"):
        drifting(survival(0.8), "tide", 0, HORIZON_S)
