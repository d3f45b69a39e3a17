"""Whether the pods shall run another form: pure rules on what is remembered and what was measured.

Nothing is decided while pods are replaced, while metrics are lost, or where the spec does not ask
for it. Each rollout waits for its dwell, which doubles with the one before, so none of them loops.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from tandem_operator.api import defaults
from tandem_operator.api.spec import OffMode, OnDecay, Spec, TuningMode
from tandem_operator.engines.interface.rollout_times import RolloutTimes
from tandem_operator.planning.rollout.dwell import doubled, over
from tandem_operator.planning.rollout.evidence import CanaryView, RolloutEvidence
from tandem_operator.planning.rollout.state import Form, RolloutState
from tandem_operator.tuning import reasons

MARGIN_POINTS = 5
"""A canary's acceptance must be so far above the minimum, as for turning on while loaded."""
OFF_REASONS = (
    reasons.ACCEPTANCE_BELOW_THRESHOLD,
    reasons.CONCURRENCY_ABOVE_THRESHOLD,
    reasons.NOT_PROFITABLE,
    reasons.KILL_SWITCH,
)
"""Off by what is known; counters that cannot be believed replace no pod."""
DECAYED = "Decayed"
PROBED = (reasons.ACCEPTANCE_BELOW_THRESHOLD, reasons.NOT_PROFITABLE, DECAYED)
"""Causes that lie in the traffic, which nobody can measure without a draft."""


@dataclass(frozen=True)
class RolloutProgress:
    """``settled``: all pods are of the stored form and ready, and nothing else is on its way."""

    settled: bool
    canary_exists: bool = False


def next_state(
    state: RolloutState,
    spec: Spec,
    evidence: RolloutEvidence | None,
    world: RolloutProgress,
    now: datetime,
    times: RolloutTimes,
) -> RolloutState:
    """The state that shall be stored; ``state`` itself when nothing changes.

    ``evidence`` is None while nothing can be measured.
    """
    if state.form is not Form.LOADED and not _allowed(state, spec):
        return replace(state, form=Form.LOADED, since=now, tokens=None, message="")
    if not world.settled or evidence is None:
        return state
    if state.form is Form.CANARY:
        return _evaluate_canary(state, spec, evidence, now, times)
    if world.canary_exists:
        return state
    if state.form is Form.REMOVED:
        return _try_canary(state, spec, evidence, now, times)
    return _removed(state, spec, evidence, now, times)


def _allowed(state: RolloutState, spec: Spec) -> bool:
    """Whether the spec still asks for a rollout without the draft."""
    if spec.tuning.mode is not TuningMode.AUTO:
        return False
    if spec.tuning.off_mode is OffMode.REDEPLOY:
        return True
    return state.cause == DECAYED and spec.tuning.on_decay is OnDecay.REDEPLOY


def _removed(
    state: RolloutState, spec: Spec, evidence: RolloutEvidence, now: datetime, times: RolloutTimes
) -> RolloutState:
    restarted = _restarted(state, spec, evidence, now, times)
    if restarted is not None:
        return restarted
    if spec.tuning.mode is not TuningMode.AUTO or not over(state.since, state.dwell_s, now):
        return state
    cause, message = "", ""
    decay, since = evidence.decay, evidence.off_since
    if decay is not None and spec.tuning.on_decay is OnDecay.REDEPLOY:
        cause = DECAYED
        message = (
            f"acceptance fell from {100 * decay.level:.0f} to {100 * decay.rate:.0f} % at the "
            "same load"
        )
    elif (
        since is not None
        and evidence.off_reason in OFF_REASONS
        and spec.tuning.off_mode is OffMode.REDEPLOY
    ):
        off_s = (now - since).total_seconds()
        if off_s >= times.remove_after:
            cause = evidence.off_reason
            message = f"off for {off_s:.0f} s: {cause}"
    if not cause:
        return state
    dwell_s = doubled(state.since, state.dwell_s, times.first_dwell, now, times)
    return replace(
        state,
        form=Form.REMOVED,
        since=now,
        dwell_s=dwell_s,
        cause=cause,
        message=message,
        tokens=None,
    )


def _restarted(
    state: RolloutState, spec: Spec, evidence: RolloutEvidence, now: datetime, times: RolloutTimes
) -> RolloutState | None:
    """The same pods made again, once a dwell; what a restart does not mend is not tried at once."""
    if spec.tuning.on_decay is not OnDecay.RESTART or spec.tuning.mode is TuningMode.OBSERVE:
        return None
    dwell_s = min(times.restart_dwell * 2 ** max(state.restarts - 1, 0), times.longest_dwell)
    wanted = evidence.decay is not None or evidence.stopped is not None
    if not wanted or not over(state.restarted, dwell_s, now):
        return None
    calm = over(state.restarted, 2 * times.longest_dwell, now)
    return replace(state, restarted=now, restarts=1 if calm else min(state.restarts + 1, 16))


def _try_canary(
    state: RolloutState, spec: Spec, evidence: RolloutEvidence, now: datetime, times: RolloutTimes
) -> RolloutState:
    if defaults.tuning_max_tokens(spec) == 0 or not over(state.since, state.dwell_s, now):
        return state
    lifted = state.cause == reasons.KILL_SWITCH
    limit = spec.tuning.thresholds.max_concurrency
    batch = evidence.batch
    if batch is None or (limit is not None and batch > limit):
        return state
    if evidence.worth > 0 and over(evidence.worth_since, times.worth_for, now):
        tokens = evidence.worth
        message = f"at {batch:.1f} requests a replica K={tokens} paid with the last acceptance"
    elif lifted and not state.in_vain:
        # What was learned under the switch says 0 everywhere, and nothing of the traffic.
        tokens = max(1, defaults.initial_tokens(spec))
        message = "tuning.maxTokens is above 0 again"
    elif (lifted or state.cause in PROBED) and over(
        state.since, min(times.probe_after * 2**state.in_vain, times.longest_dwell), now
    ):
        tokens = max(1, defaults.initial_tokens(spec))
        message = "whether the traffic's acceptance has changed"
    else:
        return state
    return replace(state, form=Form.CANARY, since=now, tokens=tokens, message=message)


def _evaluate_canary(
    state: RolloutState, spec: Spec, evidence: RolloutEvidence, now: datetime, times: RolloutTimes
) -> RolloutState:
    if defaults.tuning_max_tokens(spec) == 0:
        return _in_vain(state, "tuning.maxTokens is 0", now, times)
    seen = evidence.canary
    if seen is None or seen.seconds < times.canary_for or seen.drafts < times.canary_drafts:
        deadline_s = spec.progress_deadline_seconds + times.canary_deadline
        if over(state.since, deadline_s, now):
            drafts = 0 if seen is None else seen.drafts
            too_few = f"the canary measured {drafts:.0f} drafts in {deadline_s:.0f} s"
            return _in_vain(state, too_few, now, times)
        return state
    poor = poor_because(seen, spec)
    if poor is not None:
        return _in_vain(state, poor, now, times)
    rate = 100 * (seen.acceptance_rate or 0.0)
    message = f"the canary accepted {rate:.0f} % of {seen.drafts:.0f} drafts"
    return replace(
        state, form=Form.LOADED, since=now, message=message, tokens=None, in_vain=0, cause=""
    )


def poor_because(seen: CanaryView, spec: Spec) -> str | None:
    """Why what the canary measured does not pay; None when it does.

    Its acceptance counts against the user's minimum, its time per output token against that of the
    pods beside it, which serve the same traffic at the same time without a draft.
    """
    rate = seen.acceptance_rate
    least = spec.tuning.thresholds.min_acceptance_rate_percent
    if rate is None:
        return "the canary's drafts were not judged"
    if least is not None and 100 * rate < min(100, least + MARGIN_POINTS):
        return f"the canary accepted {100 * rate:.0f} % of its drafts, the minimum is {least} %"
    own, others = seen.seconds_per_token, seen.others_seconds_per_token
    if own is not None and others is not None and own > others:
        return (
            f"the canary took {1000 * own:.1f} ms/token, the pods without the draft "
            f"{1000 * others:.1f} ms"
        )
    return None


def _in_vain(state: RolloutState, message: str, now: datetime, times: RolloutTimes) -> RolloutState:
    dwell_s = min(max(2 * state.dwell_s, times.first_dwell), times.longest_dwell)
    return replace(
        state,
        form=Form.REMOVED,
        since=now,
        dwell_s=dwell_s,
        message=message,
        tokens=None,
        in_vain=min(state.in_vain + 1, 16),
    )
