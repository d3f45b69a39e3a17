"""SpeculationActive: whether tokens are drafted, and why not. Lost metrics leave it as it is."""

from __future__ import annotations

from tandem_operator.api import defaults
from tandem_operator.api.conditions import ConditionType, NewCondition, SpeculationReason
from tandem_operator.api.spec import ConstrainedOutput, TuningMode
from tandem_operator.api.status import ConditionStatus, LiveMode
from tandem_operator.engines.tiers import taken_down
from tandem_operator.planning.rollout.form import PodForm
from tandem_operator.planning.snapshot import ReplicaView, TuningView
from tandem_operator.planning.status import depth_notes, removed
from tandem_operator.planning.status.inputs import StatusInputs
from tandem_operator.tuning import decision, reasons
from tandem_runtime.contract import metrics

NOT_LOADED = (
    "no replica's plugin reports: it was not loaded (see the beginning of the engine's log, and "
    "whether the image starts vLLM by something that drops PYTHONPATH or sets VLLM_PLUGINS)"
)
REASONS: dict[str, SpeculationReason] = {reason.value: reason for reason in SpeculationReason}
OFF_REASONS = {
    reasons.ACCEPTANCE_BELOW_THRESHOLD: SpeculationReason.ACCEPTANCE_BELOW_THRESHOLD,
    reasons.CONCURRENCY_ABOVE_THRESHOLD: SpeculationReason.CONCURRENCY_ABOVE_THRESHOLD,
    reasons.KILL_SWITCH: SpeculationReason.KILL_SWITCH,
}


def find(inputs: StatusInputs) -> NewCondition:
    """What the pods report first, for it is what is; then the rails, then who decides K."""
    spec, tuning = inputs.resource.spec, inputs.tuning
    if inputs.form is not None and inputs.form.removed:
        message = removed.message(inputs.form)
        return _condition("False", SpeculationReason.REMOVED_BY_ROLLOUT, message)
    if tuning is not None:
        hindered = _hindered(inputs, tuning)
        if hindered is not None:
            return hindered
    fixed = None if inputs.current is None else inputs.current.fixed_tokens
    if inputs.form is not None and inputs.form.by_rollout:
        return _by_rollout(inputs.form)
    if fixed is not None and (
        spec.tuning.mode is TuningMode.AUTO or defaults.tuning_max_tokens(spec) == 0
    ):
        return _not_live(inputs, "the engine was started so")
    if defaults.tuning_max_tokens(spec) == 0:
        return _condition("False", SpeculationReason.KILL_SWITCH, "tuning.maxTokens is 0")
    if spec.tuning.mode is TuningMode.FIXED:
        tokens = _initial_tokens(inputs)
        status: ConditionStatus = "True" if tokens > 0 else "False"
        message = _with_notes(inputs, f"K {_stays(inputs)} {tokens}")
        return _condition(status, SpeculationReason.FIXED, message)
    if tuning is None:
        return _before_the_first_decision(inputs)
    decided = tuning.decision
    if spec.tuning.mode is TuningMode.OBSERVE:
        if fixed is not None and inputs.form is not None:
            return _condition("True", SpeculationReason.OBSERVING, _would(inputs.form, fixed))
        message = f"Auto would decide {decided.state}: {decided.reason}"
        return _condition("True", SpeculationReason.OBSERVING, _with_notes(inputs, message))
    if decided.state == decision.ACTIVE:
        initial = decided.reason == reasons.INITIAL
        reason = SpeculationReason.INITIAL if initial else SpeculationReason.TUNED
        return _condition("True", reason, _message(inputs, tuning))
    reason = OFF_REASONS.get(decided.reason, SpeculationReason.NOT_PROFITABLE)
    previous = inputs.resource.status.condition(ConditionType.SPECULATION_ACTIVE)
    if (
        decided.reason == reasons.HELD
        and previous is not None
        and previous.status == "False"
        and previous.reason in REASONS
    ):
        return _condition("False", REASONS[previous.reason], previous.message)
    return _condition("False", reason, _message(inputs, tuning))


def _would(form: PodForm, tokens: int) -> str:
    if form.would is None:
        return f"Auto would keep K {tokens}"
    return f"Auto would change K {tokens} -> {form.would} by rollout"


def _by_rollout(form: PodForm) -> NewCondition:
    state, tokens = form.state, form.revision.fixed_tokens
    if state.depth_message:
        return _condition("True", SpeculationReason.TUNED, state.depth_message)
    message = f"K is {tokens} until another is worth a rollout"
    return _condition("True", SpeculationReason.INITIAL, message)


def _message(inputs: StatusInputs, tuning: TuningView) -> str:
    """The decision's words; those that stand stay while its rule is the same."""
    reported = inputs.resource.status.speculation
    last = None if reported is None else reported.last_decision
    if last is not None and last.reason == tuning.decision.reason and last.message:
        return last.message
    return tuning.decision.message[:1024]


def _hindered(inputs: StatusInputs, tuning: TuningView) -> NewCondition | None:
    reporting = [replica for replica in tuning.replicas if replica.mode is not None]
    disabled = [replica for replica in reporting if replica.mode == metrics.MODE_DISABLED]
    if disabled and len(disabled) == len(reporting):
        why = disabled[0].mode_reason or "it does not say why"
        return _condition(
            "False", SpeculationReason.PLUGIN_DISABLED, f"{disabled[0].pod}: the plugin: {why}"
        )
    if reporting and all(_only_observes(replica) for replica in reporting):
        return _not_live(inputs, reporting[0].mode_reason or "the plugin only observes")
    if _without_plugin(inputs, tuning.replicas):
        if inputs.resource.spec.speculation.constrained_output is ConstrainedOutput.BYPASS:
            return _condition(
                "False",
                SpeculationReason.BYPASS_UNAVAILABLE,
                f"constrained requests must bypass speculation and {NOT_LOADED}, or set "
                "speculation.constrainedOutput: Allow",
            )
        return _condition("False", SpeculationReason.PLUGIN_DISABLED, NOT_LOADED)
    return None


def _only_observes(replica: ReplicaView) -> bool:
    """An engine that was started without speculation has nothing that could change."""
    return replica.mode == metrics.MODE_OBSERVE and replica.mode_reason != metrics.NO_SPECULATION


def _not_live(inputs: StatusInputs, why: str) -> NewCondition:
    """Drafts are made whatever is wished: no switch is acknowledged that nothing obeys."""
    current = inputs.current
    fixed = None if current is None else current.fixed_tokens
    depth = "K cannot change" if fixed is None else f"K stays {fixed}"
    message = f"{depth} while these pods serve: {why}"
    if defaults.tuning_max_tokens(inputs.resource.spec) == 0:
        message = f"tuning.maxTokens 0 is not in force: {message}"
    return _condition("True", SpeculationReason.NOT_LIVE, message)


def _without_plugin(inputs: StatusInputs, replicas: tuple[ReplicaView, ...]) -> bool:
    """Whether every replica answers and none has the plugin that its pod brings."""
    if not inputs.plugin_reports:
        return False
    fixed = inputs.current is not None and inputs.current.fixed_tokens is not None
    expected = fixed or inputs.live_mode is not LiveMode.ROLLOUT
    read = [replica for replica in replicas if replica.running is not None]
    return expected and bool(read) and all(replica.mode is None for replica in read)


def _stays(inputs: StatusInputs) -> str:
    """An engine that takes several depths and no table may leave the one of its start."""
    current = inputs.current
    several = current is not None and len(current.tiers) > 1
    return "starts at" if several and inputs.live_mode is LiveMode.ROLLOUT else "stays"


def _initial_tokens(inputs: StatusInputs) -> int:
    """K before anything is measured, as the pods have it."""
    current = inputs.current
    wanted = defaults.initial_tokens(inputs.resource.spec)
    if current is None or not current.tiers:
        return wanted
    return taken_down(wanted, current.tiers)


def _with_notes(inputs: StatusInputs, message: str) -> str:
    tiers = () if inputs.current is None else inputs.current.tiers
    return "; ".join((message, *depth_notes.messages(inputs.resource.spec, tiers)))


def _before_the_first_decision(inputs: StatusInputs) -> NewCondition:
    previous = inputs.resource.status.condition(ConditionType.SPECULATION_ACTIVE)
    stale = (
        SpeculationReason.KILL_SWITCH,
        SpeculationReason.FIXED,
        SpeculationReason.OBSERVING,
        SpeculationReason.NOT_LIVE,
    )
    known = previous is not None and previous.status != "Unknown" and previous.reason in REASONS
    if previous is not None and known and previous.reason not in stale:
        return _condition(previous.status, REASONS[previous.reason], previous.message)
    if inputs.workload.ready == 0:
        return _condition("Unknown", SpeculationReason.INITIAL, "no replica is ready yet")
    tokens = _initial_tokens(inputs)
    status: ConditionStatus = "True" if tokens > 0 else "False"
    message = _with_notes(inputs, f"K is {tokens} until there are measurements")
    return _condition(status, SpeculationReason.INITIAL, message)


def _condition(status: ConditionStatus, reason: SpeculationReason, message: str) -> NewCondition:
    return NewCondition(ConditionType.SPECULATION_ACTIVE, status, reason, message)
