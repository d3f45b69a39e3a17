"""SpeculationActive: whether tokens are drafted, and why not. Lost metrics leave it as it is."""

from __future__ import annotations

from tandem_operator.api import defaults
from tandem_operator.api.conditions import ConditionType, Finding, SpeculationReason
from tandem_operator.api.spec import ConstrainedOutput, TuningMode
from tandem_operator.api.status import ConditionStatus, LiveMode
from tandem_operator.planning.situation import Situation
from tandem_operator.planning.snapshot import ReplicaView, TuningView
from tandem_operator.tuning import decision, reasons
from tandem_runtime.contract import metrics

REASONS: dict[str, SpeculationReason] = {reason.value: reason for reason in SpeculationReason}
OFF_REASONS = {
    reasons.ACCEPTANCE_BELOW_THRESHOLD: SpeculationReason.ACCEPTANCE_BELOW_THRESHOLD,
    reasons.CONCURRENCY_ABOVE_THRESHOLD: SpeculationReason.CONCURRENCY_ABOVE_THRESHOLD,
    reasons.KILL_SWITCH: SpeculationReason.KILL_SWITCH,
}


def find(situation: Situation) -> Finding:
    """The rails first, then what the pods report, then who decides K."""
    spec, tuning = situation.resource.spec, situation.tuning
    if defaults.tuning_max_tokens(spec) == 0:
        return _finding("False", SpeculationReason.KILL_SWITCH, "tuning.maxTokens is 0")
    if tuning is not None:
        hindered = _hindered(situation, tuning)
        if hindered is not None:
            return hindered
    if spec.tuning.mode is TuningMode.FIXED:
        tokens = defaults.initial_tokens(spec)
        status: ConditionStatus = "True" if tokens > 0 else "False"
        return _finding(status, SpeculationReason.FIXED, f"K stays {tokens}")
    if tuning is None:
        return _before_the_first_look(situation)
    decided = tuning.decision
    if spec.tuning.mode is TuningMode.OBSERVE:
        message = f"Auto would decide {decided.state}: {decided.reason}"
        return _finding("True", SpeculationReason.OBSERVING, message)
    if decided.state == decision.ACTIVE:
        initial = decided.reason == reasons.INITIAL
        reason = SpeculationReason.INITIAL if initial else SpeculationReason.TUNED
        return _finding("True", reason, _told(situation, tuning))
    reason = OFF_REASONS.get(decided.reason, SpeculationReason.NOT_PROFITABLE)
    held = situation.resource.status.condition(ConditionType.SPECULATION_ACTIVE)
    if (
        decided.reason == reasons.HELD
        and held is not None
        and held.status == "False"
        and held.reason in REASONS
    ):
        return _finding("False", REASONS[held.reason], held.message)
    return _finding("False", reason, _told(situation, tuning))


def _told(situation: Situation, tuning: TuningView) -> str:
    """The decision's words; those that stand stay while its rule is the same."""
    held = situation.resource.status.speculation
    last = None if held is None else held.last_decision
    if last is not None and last.reason == tuning.decision.reason and last.message:
        return last.message
    return tuning.decision.message[:1024]


def _hindered(situation: Situation, tuning: TuningView) -> Finding | None:
    told = [replica for replica in tuning.replicas if replica.mode is not None]
    disabled = [replica for replica in told if replica.mode == metrics.MODE_DISABLED]
    if disabled and len(disabled) == len(told):
        why = disabled[0].mode_reason or "it does not say why"
        return _finding(
            "False", SpeculationReason.PLUGIN_DISABLED, f"{disabled[0].pod}: the plugin: {why}"
        )
    if _cannot_bypass(situation, tuning.replicas):
        return _finding(
            "False",
            SpeculationReason.BYPASS_UNAVAILABLE,
            "constrained requests must bypass speculation and no replica's plugin reports: "
            "see the engine's log, or set speculation.constrainedOutput: Allow",
        )
    return None


def _cannot_bypass(situation: Situation, replicas: tuple[ReplicaView, ...]) -> bool:
    asked = situation.resource.spec.speculation.constrained_output is ConstrainedOutput.BYPASS
    live = situation.live_mode is not LiveMode.ROLLOUT
    read = [replica for replica in replicas if replica.running is not None]
    return asked and live and bool(read) and all(replica.mode is None for replica in read)


def _before_the_first_look(situation: Situation) -> Finding:
    held = situation.resource.status.condition(ConditionType.SPECULATION_ACTIVE)
    stale = (SpeculationReason.KILL_SWITCH, SpeculationReason.FIXED, SpeculationReason.OBSERVING)
    known = held is not None and held.status != "Unknown" and held.reason in REASONS
    if held is not None and known and held.reason not in stale:
        return _finding(held.status, REASONS[held.reason], held.message)
    if situation.workload.ready == 0:
        return _finding("Unknown", SpeculationReason.INITIAL, "no replica is ready yet")
    tokens = defaults.initial_tokens(situation.resource.spec)
    status: ConditionStatus = "True" if tokens > 0 else "False"
    return _finding(
        status, SpeculationReason.INITIAL, f"K is {tokens} until there is something measured"
    )


def _finding(status: ConditionStatus, reason: SpeculationReason, message: str) -> Finding:
    return Finding(ConditionType.SPECULATION_ACTIVE, status, reason, message)
