"""What a resource asks of its tuner, in the tuner's own terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from tandem_operator.api import defaults
from tandem_operator.api.spec import Spec, TuningMode
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.tiers import taken_down
from tandem_operator.metrics.replicas import Replica
from tandem_operator.planning import ReplicaView
from tandem_operator.tuning import Objective, Settings, Thresholds
from tandem_runtime.contract import metrics


def settings_of(
    spec: Spec,
    tiers: tuple[int, ...],
    mixture_of_experts: tuple[int, int] | None = None,
    drafts_all: bool = False,
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
        drafts_all=drafts_all,
    )


def fixed_tokens(spec: Spec, replicas: Iterable[Replica]) -> int | None:
    """K of most of these replicas, where it changes by rollout and somebody asks for another.

    None where K is live, or stays as the spec has it.
    """
    depths = Counter(each.tiers for each in replicas)
    if spec.tuning.mode is TuningMode.FIXED or any(len(tiers) != 1 for tiers in depths):
        return None
    (tokens,) = max(sorted(depths), key=depths.__getitem__)
    return tokens or None


def with_fixed_tokens(settings: Settings, tokens: int) -> Settings:
    """The settings of an engine that keeps this K: what it does is what its table says."""
    return replace(settings, max_tokens=tokens, min_tokens=tokens, tiers=(tokens,))


def drafts_all(live_mode: LiveMode, replicas: Iterable[ReplicaView]) -> bool:
    """Whether all drafts are made at every K: as the plugins say, else as the engine's driver."""
    modes = {replica.mode for replica in replicas}
    if metrics.MODE_TRIM in modes:
        return True
    return live_mode is LiveMode.TRIM and metrics.MODE_LOOKUP not in modes


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
