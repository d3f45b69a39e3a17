"""What a resource asks of its tuner, in the tuner's own terms."""

from __future__ import annotations

from tandem_operator.api import defaults
from tandem_operator.api.spec import Spec
from tandem_operator.engines.tiers import taken_down
from tandem_operator.tuning import Objective, Settings, Thresholds


def settings_of(
    spec: Spec,
    tiers: tuple[int, ...],
    mixture_of_experts: tuple[int, int] | None = None,
) -> Settings:
    """`spec.tuning` in shares and seconds; `tiers` are those that the pods were started with."""
    tuning = spec.tuning
    highest = min(defaults.tuning_max_tokens(spec), spec.speculation.max_tokens)
    lowest = min(tuning.min_tokens, highest)
    rate = tuning.thresholds.min_acceptance_rate_percent
    return Settings(
        max_tokens=highest,
        min_tokens=taken_down(lowest, tiers) if tiers else lowest,
        policy=tuning.policy.value,
        mixture_of_experts=mixture_of_experts,
        thresholds=Thresholds(
            min_acceptance_rate=None if rate is None else rate / 100,
            max_concurrency=tuning.thresholds.max_concurrency,
            for_s=tuning.thresholds.for_seconds,
        ),
        objective=Objective(
            time_per_output_token_s=_seconds(tuning.objective.time_per_output_token_ms),
            time_to_first_token_s=_seconds(tuning.objective.time_to_first_token_ms),
        ),
        stabilization_s=tuning.stabilization_seconds,
        tiers=tiers or None,
    )


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
