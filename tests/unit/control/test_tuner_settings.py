"""What a resource asks reaches the tuner: every field, in the tuner's own units."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_operator.api.spec import Spec
from tandem_operator.control.tuner_settings import fixed_tokens, settings_of, with_fixed_tokens
from tandem_operator.metrics.replicas import Replica
from tandem_operator.tuning import Settings
from tests.unit.planning import builders

TIERS = (0, 1, 3, 7)


def settings(changes: dict[str, Any]) -> Settings:
    return settings_of(Spec.model_validate(builders.resource(changes)["spec"]), TIERS, (128, 8))


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ({"tuning.minTokens": 3}, ("min_tokens", 3)),
        ({"tuning.maxTokens": 3}, ("max_tokens", 3)),
        ({"tuning.policy": "Thresholds"}, ("policy", "Thresholds")),
        ({"tuning.stabilizationSeconds": 90}, ("stabilization_s", 90)),
        ({}, ("tiers", TIERS)),
        ({}, ("mixture_of_experts", (128, 8))),
        ({}, ("max_tokens", 7)),
    ],
)
def test_a_field_reaches_the_settings(asked: dict[str, Any], got: tuple[str, Any]) -> None:
    assert getattr(settings(asked), got[0]) == got[1]


def test_percent_becomes_a_share_and_seconds_stay_seconds() -> None:
    thresholds = settings(
        {
            "tuning.thresholds.minAcceptanceRatePercent": 40,
            "tuning.thresholds.maxConcurrency": 64,
            "tuning.thresholds.forSeconds": 120,
        }
    ).thresholds

    assert thresholds is not None
    assert thresholds.min_acceptance_rate == pytest.approx(0.4)
    assert (thresholds.max_concurrency, thresholds.for_s) == (64, 120)


def test_milliseconds_become_seconds() -> None:
    objective = settings(
        {
            "tuning.objective.timePerOutputTokenMs": 40,
            "tuning.objective.timeToFirstTokenMs": 1500,
        }
    ).objective

    assert objective is not None
    assert objective.time_per_output_token_s == pytest.approx(0.04)
    assert objective.time_to_first_token_s == pytest.approx(1.5)


def test_what_is_not_asked_is_no_threshold() -> None:
    thresholds = settings({})

    assert thresholds.thresholds is not None and thresholds.objective is not None
    assert thresholds.thresholds.min_acceptance_rate is None
    assert thresholds.objective.time_per_output_token_s is None


def test_the_band_never_ends_below_its_start() -> None:
    assert settings({"tuning.minTokens": 3, "tuning.maxTokens": 0}).min_tokens == 0


def replicas(*tiers: tuple[int, ...]) -> list[Replica]:
    return [
        Replica(f"pod-{at}", f"uid-{at}", "10.0.0.1", 8000, "lock", "shape", True, each)
        for at, each in enumerate(tiers)
    ]


@pytest.mark.parametrize(
    ("mode", "tiers", "tokens"),
    [
        ("Auto", ((7,), (7,)), 7),
        ("Observe", ((7,),), 7),
        ("Auto", ((3,), (7,), (3,)), 3),
        ("Fixed", ((7,),), None),
        ("Auto", ((0, 1, 3, 7),), None),
        ("Auto", ((0,),), None),
    ],
)
def test_k_is_fixed_where_pods_have_one_and_somebody_asks_for_another(
    mode: str, tiers: tuple[tuple[int, ...], ...], tokens: int | None
) -> None:
    spec = Spec.model_validate(builders.resource({"tuning.mode": mode})["spec"])

    assert fixed_tokens(spec, replicas(*tiers)) == tokens


def test_the_tuner_of_an_engine_that_keeps_its_k_has_that_depth_alone() -> None:
    assert with_fixed_tokens(settings({}), 3).active_depths == (3,)
