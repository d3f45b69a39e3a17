"""AcceptanceDecayed: acceptance below its own level of the last hours, or an engine that ended
speculation by itself."""

from __future__ import annotations

from datetime import UTC

from tandem_operator.api.conditions import ConditionType, DecayReason, NewCondition
from tandem_operator.api.spec import OnDecay
from tandem_operator.planning.rollout.evidence import RolloutEvidence
from tandem_operator.planning.status.inputs import StatusInputs


def find(inputs: StatusInputs) -> tuple[NewCondition, ...]:
    """The finding while it is so; none otherwise."""
    evidence = None if inputs.tuning is None else inputs.tuning.rollout
    if evidence is None or (evidence.decay is None and evidence.stopped is None):
        return ()
    then = inputs.resource.spec.tuning.on_decay
    message = _seen(evidence)
    restarted = None if inputs.form is None else inputs.form.state.restarted
    if then is OnDecay.REPORT:
        message += "; tuning.onDecay Restart or Redeploy would replace the pods"
    elif restarted is not None:
        message += f"; the pods were restarted at {restarted.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
    return (NewCondition(ConditionType.ACCEPTANCE_DECAYED, "True", DecayReason.DECAYED, message),)


def _seen(evidence: RolloutEvidence) -> str:
    parts = []
    if evidence.stopped is not None:
        stopped = evidence.stopped
        parts.append(
            f"{len(stopped.pods)} of {stopped.of} replicas have stopped drafting since "
            f"{stopped.since.astimezone(UTC):%Y-%m-%dT%H:%MZ}: the engine ended speculation by its "
            f"own gate, until it starts again ({', '.join(stopped.pods[:3])})"
        )
    if evidence.decay is not None:
        seen = evidence.decay
        parts.append(
            f"acceptance is {100 * seen.rate:.0f} % since "
            f"{seen.since.astimezone(UTC):%Y-%m-%dT%H:%MZ}, "
            f"and was {100 * seen.level:.0f} % in the hours before at the same load"
        )
    return "; ".join(parts)
