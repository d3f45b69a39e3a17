"""What the user may ask, and what is said of the rest."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tandem_operator.tuning import Objective, Settings, Thresholds


@pytest.mark.parametrize("field", ["time_per_output_token_s", "time_to_first_token_s"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_an_objective_is_a_time_above_0(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"objective.{field} is .*: give seconds above 0"):
        Objective(**{field: value})


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"max_tokens": 33}, "max_tokens is 33: give 0 to 32"),
        ({"min_tokens": 8}, "min_tokens is 8: give 0 to max_tokens (7)"),
        ({"policy": "Best"}, "policy is 'Best'"),
        ({"stabilization_s": -1.0}, "stabilization_s is -1.0"),
        ({"mixture_of_experts": (8, 64)}, "mixture_of_experts is (8, 64)"),
        ({"tiers": (0, 40)}, "tiers is (0, 40): each is 0 to 32"),
    ],
)
def test_what_is_out_of_its_bounds_is_named(other: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Settings(**({"max_tokens": 7} | other))


def test_what_is_not_asked_for_is_as_in_the_reference() -> None:
    settings, thresholds = Settings(max_tokens=7), Thresholds()
    assert (settings.policy, settings.min_tokens, settings.stabilization_s) == ("Goodput", 0, 0)
    assert (thresholds.min_acceptance_rate, thresholds.max_concurrency) == (None, None)
    assert thresholds.for_s == 60


@pytest.mark.parametrize(
    ("other", "depths", "active"),
    [
        ({}, (0, 1, 2, 3), (0, 1, 2, 3)),
        ({"min_tokens": 2}, (0, 1, 2, 3), (2, 3)),
        ({"tiers": (5, 1)}, (0, 1), (0, 1)),
        ({"tiers": (1, 5), "min_tokens": 2}, (0, 1), (1,)),
    ],
)
def test_k_is_one_of_the_tiers_within_the_band(
    other: dict[str, Any], depths: tuple[int, ...], active: tuple[int, ...]
) -> None:
    settings = Settings(max_tokens=3, **other)
    assert (settings.depths, settings.active_depths) == (depths, active)
