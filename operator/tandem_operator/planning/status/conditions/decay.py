"""AcceptanceDecayed: acceptance below its own level of the last hours, at the same load."""

from __future__ import annotations

from datetime import UTC

from tandem_operator.api.conditions import ConditionType, DecayReason, Finding
from tandem_operator.api.spec import OnDecay
from tandem_operator.planning.status.inputs import StatusInputs


def find(inputs: StatusInputs) -> tuple[Finding, ...]:
    """The finding while it is so; none otherwise."""
    evidence = None if inputs.tuning is None else inputs.tuning.rollout
    if evidence is None or evidence.decay is None:
        return ()
    seen, then = evidence.decay, inputs.resource.spec.tuning.on_decay
    message = (
        f"acceptance is {100 * seen.rate:.0f} % since "
        f"{seen.since.astimezone(UTC):%Y-%m-%dT%H:%MZ}, "
        f"and was {100 * seen.level:.0f} % in the hours before at the same load"
    )
    restarted = None if inputs.form is None else inputs.form.state.restarted
    if then is OnDecay.REPORT:
        message += "; tuning.onDecay Restart or Redeploy would replace the pods"
    elif restarted is not None:
        message += f"; the pods were restarted at {restarted.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
    return (Finding(ConditionType.ACCEPTANCE_DECAYED, "True", DecayReason.DECAYED, message),)
