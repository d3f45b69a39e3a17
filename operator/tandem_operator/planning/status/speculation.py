"""status.speculation: numbers move on a decision or when they are worth telling."""

from __future__ import annotations

from datetime import UTC

from tandem_operator.api import defaults
from tandem_operator.api.conditions import NewCondition, SpeculationReason
from tandem_operator.api.spec import TuningMode
from tandem_operator.api.status import (
    LastDecision,
    LiveMode,
    ScheduleRange,
    SegmentAcceptance,
    SpeculationState,
    SpeculationStatus,
    SpeedupBaseline,
)
from tandem_operator.planning.snapshot import ReplicaView, TuningView
from tandem_operator.planning.status.inputs import StatusInputs
from tandem_operator.tuning import reasons
from tandem_operator.tuning.decision import Prediction
from tandem_runtime.contract import metrics

MIN_INTERVAL_S = 60.0
WORTH_POINTS = 2
WORTH_RATIO = 0.1
MAX_SEGMENTS = 16
UNMEASURED = "-"
NUMBERS = (
    "effective_tokens",
    "acceptance_rate_percent",
    "mean_accepted_tokens",
    "speedup",
    "speedup_baseline",
    "segments",
)


def status(inputs: StatusInputs, condition: NewCondition) -> SpeculationStatus | None:
    """What speculation does now; None before any pair is locked."""
    if inputs.current is None:
        return inputs.resource.status.speculation
    previous = inputs.resource.status.speculation
    fresh = _fresh(inputs, condition)
    if previous is None:
        return fresh
    decided = _is_new_decision(previous, fresh)
    if not decided:
        fresh = fresh.model_copy(update={"last_decision": previous.last_decision})
    if decided or _may_tell(inputs, previous, fresh):
        return fresh
    kept = {name: getattr(previous, name) for name in NUMBERS}
    applied = (fresh.generation, fresh.applied_replicas)
    if not _acknowledged(inputs, fresh):
        kept["applied_replicas"] = (
            previous.applied_replicas if previous.generation == fresh.generation else 0
        )
    elif applied != (previous.generation, previous.applied_replicas):
        # Status is written for the table in force anyway: its K goes with it.
        del kept["effective_tokens"]
    return fresh.model_copy(update=kept)


def _fresh(inputs: StatusInputs, condition: NewCondition) -> SpeculationStatus:
    table, tuning = inputs.table, inputs.tuning
    previous = inputs.resource.status.speculation
    replicas = _replicas(inputs)
    generation = None if table is None else table.generation
    schedule = (
        ()
        if table is None
        else tuple(
            ScheduleRange.model_validate(
                {"from": span.first, "to": span.last, "tokens": span.tokens if table.enabled else 0}
            )
            for span in table.schedule[:64]
        )
    )
    base = SpeculationStatus(
        state=_state(inputs, condition),
        live_mode=_live_mode(inputs, replicas, previous),
        schedule=schedule,
        generation=generation,
    )
    if tuning is None or tuning.lock_hash != _lock_hash(inputs):
        return _without_tuning(base, inputs, previous)
    predicted = tuning.decision.predicted
    return base.model_copy(
        update={
            "applied_replicas": _applied(inputs, replicas),
            "effective_tokens": _effective(inputs, replicas, predicted),
            "acceptance_rate_percent": _percent(tuning.acceptance_rate),
            "mean_accepted_tokens": _decimal(tuning.mean_accepted_tokens),
            **_speedup(base.live_mode, predicted),
            "last_decision": _last_decision(inputs, tuning),
            "segments": tuple(
                SegmentAcceptance(name=name, acceptance_rate_percent=_percent(rate))
                for name, rate in sorted(tuning.segments.items())[:MAX_SEGMENTS]
            ),
        }
    )


def _speedup(live_mode: LiveMode | None, predicted: Prediction) -> dict[str, object]:
    """Against K=0 only where K=0 saves the drafts: with `Trim` all are made and thrown away."""
    baseline = predicted.speedup_baseline
    against = None if predicted.speedup is None or baseline is None else SpeedupBaseline(baseline)
    if against is SpeedupBaseline.IDLE and live_mode is not LiveMode.LOOKUP:
        against = None
    return {
        "speedup": UNMEASURED if against is None else _decimal(predicted.speedup),
        "speedup_baseline": against,
    }


def _without_tuning(
    base: SpeculationStatus, inputs: StatusInputs, previous: SpeculationStatus | None
) -> SpeculationStatus:
    """Before the loop's first reading what was told stays; a first status tells K as configured."""
    if previous is not None:
        kept = {name: getattr(previous, name) for name in NUMBERS}
        same = previous.generation == base.generation
        kept["applied_replicas"] = previous.applied_replicas if same else 0
        kept["last_decision"] = previous.last_decision
        return base.model_copy(update=kept)
    fixed = None if inputs.current is None else inputs.current.fixed_tokens
    tokens = 0 if inputs.table is None else inputs.table.tokens_for(1)
    if fixed is not None:
        tokens = fixed
    return base.model_copy(
        update={"effective_tokens": tokens, "applied_replicas": 0, "speedup": UNMEASURED}
    )


def _lock_hash(inputs: StatusInputs) -> str | None:
    return None if inputs.current is None else inputs.current.lock_hash


def _replicas(inputs: StatusInputs) -> tuple[ReplicaView, ...]:
    return () if inputs.tuning is None else inputs.tuning.replicas


def _state(inputs: StatusInputs, condition: NewCondition) -> SpeculationState:
    if condition.reason is SpeculationReason.REMOVED_BY_ROLLOUT:
        return SpeculationState.REMOVED
    if inputs.workload.ready == 0:
        return SpeculationState.PENDING
    return SpeculationState.ACTIVE if condition.status == "True" else SpeculationState.IDLE


def _live_mode(
    inputs: StatusInputs, replicas: tuple[ReplicaView, ...], previous: SpeculationStatus | None
) -> LiveMode | None:
    reported = {replica.mode for replica in replicas}
    if metrics.MODE_LOOKUP in reported:
        return LiveMode.LOOKUP
    if metrics.MODE_TRIM in reported:
        return LiveMode.TRIM
    fixed = inputs.current is not None and inputs.current.fixed_tokens is not None
    if fixed or metrics.MODE_OBSERVE in reported:
        return LiveMode.ROLLOUT
    if previous is not None and previous.live_mode is not None and not reported - {None}:
        return previous.live_mode
    return inputs.live_mode


def _applied(inputs: StatusInputs, replicas: tuple[ReplicaView, ...]) -> int:
    table = inputs.table
    if table is None:
        return 0
    return sum(
        1
        for replica in replicas
        if replica.mode in (metrics.MODE_LOOKUP, metrics.MODE_TRIM)
        and replica.lock == table.lock
        and replica.applied_generation == table.generation
        and replica.epoch in (table.epoch, None, "")
    )


def _acknowledged(inputs: StatusInputs, fresh: SpeculationStatus) -> bool:
    """Whether every replica that answers has the table in force: told at once."""
    replicas = _replicas(inputs)
    return bool(replicas) and fresh.applied_replicas == len(replicas)


def _effective(
    inputs: StatusInputs, replicas: tuple[ReplicaView, ...], predicted: Prediction
) -> int | None:
    """K at the present load: what most replicas report, else what the table says for it.

    None where no replica obeys a table and nobody knows what the engine does instead.
    """
    if inputs.current is not None and inputs.current.fixed_tokens is not None:
        return inputs.current.fixed_tokens
    modes = {replica.mode for replica in replicas} - {None}
    if modes and modes <= {metrics.MODE_OBSERVE, metrics.MODE_DISABLED}:
        return None
    reported = sorted(
        replica.effective_tokens for replica in replicas if replica.effective_tokens is not None
    )
    if reported:
        return min(reported[len(reported) // 2], 32)
    if inputs.resource.spec.tuning.mode is TuningMode.AUTO and predicted.tokens is not None:
        return predicted.tokens
    batch = max(round(predicted.batch or 1), 1)
    if inputs.table is not None:
        return inputs.table.tokens_for(batch)
    return defaults.initial_tokens(inputs.resource.spec)


def _last_decision(inputs: StatusInputs, tuning: TuningView) -> LastDecision:
    """The rollout's where K changes by one: the tuner itself decides nothing there."""
    at, decided = tuning.decided_at, tuning.decision
    reason, message = decided.reason, decided.message
    form = inputs.form
    if form is not None and form.by_rollout and form.state.depth_since is not None:
        at = form.state.depth_since
        reason, message = reasons.TUNED, form.state.depth_message
    return LastDecision(
        time=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        reason=reason,
        message=message[:1024],
    )


def _is_new_decision(previous: SpeculationStatus, fresh: SpeculationStatus) -> bool:
    if fresh.last_decision is None:
        return False
    if previous.last_decision is None:
        return True
    return (
        previous.last_decision.reason != fresh.last_decision.reason
        or previous.schedule != fresh.schedule
        or previous.state != fresh.state
    )


def _may_tell(inputs: StatusInputs, previous: SpeculationStatus, fresh: SpeculationStatus) -> bool:
    if inputs.status_written_at is not None:
        since_s = (inputs.now - inputs.status_written_at).total_seconds()
        if since_s < MIN_INTERVAL_S:
            return False
    return worth_telling(previous, fresh)


def worth_telling(previous: SpeculationStatus, fresh: SpeculationStatus) -> bool:
    """Whether a number moved by 2 points, by 10 %, or became known or unknown."""
    if previous.effective_tokens != fresh.effective_tokens:
        return True
    if previous.applied_replicas != fresh.applied_replicas:
        return True
    if _points(previous.acceptance_rate_percent, fresh.acceptance_rate_percent):
        return True
    if _ratio(previous.mean_accepted_tokens, fresh.mean_accepted_tokens):
        return True
    if (
        _ratio(previous.speedup, fresh.speedup)
        or previous.speedup_baseline != fresh.speedup_baseline
    ):
        return True
    before = {each.name: each.acceptance_rate_percent for each in previous.segments}
    after = {each.name: each.acceptance_rate_percent for each in fresh.segments}
    return before.keys() != after.keys() or any(
        _points(before[name], after[name]) for name in after
    )


def _points(before: int | None, after: int | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(before - after) >= WORTH_POINTS


def _ratio(before: str | None, after: str | None) -> bool:
    if before in (None, UNMEASURED) or after in (None, UNMEASURED):
        return before != after
    old, new = float(before or 0), float(after or 0)
    return abs(new - old) >= WORTH_RATIO * max(abs(old), 0.1)


def _percent(rate: float | None) -> int | None:
    return None if rate is None else min(max(round(rate * 100), 0), 100)


def _decimal(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"
