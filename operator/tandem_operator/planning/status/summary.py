"""The whole status of a resource, from its situation."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import condition_list, names
from tandem_operator.api.conditions import ConditionType, ReconcilingReason
from tandem_operator.api.status import Candidate, LockedSource, Pair, Status
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.lock.steps import Accepted
from tandem_operator.planning.status import conditions as status_conditions
from tandem_operator.planning.status import serving, speculation
from tandem_operator.planning.status.inputs import StatusInputs

Object = dict[str, Any]


def due_s(inputs: StatusInputs) -> float | None:
    """Seconds until numbers that move may be told again; None: any reconciliation may.

    When traffic ends nothing else may ask for a reconciliation, and what it moved last would stay
    untold.
    """
    if inputs.tuning is None or inputs.status_written_at is None:
        return None
    rest_s = speculation.MIN_INTERVAL_S - (inputs.now - inputs.status_written_at).total_seconds()
    return rest_s if rest_s > 0 else None


def made(inputs: StatusInputs, managed_by: str | None) -> Status:
    """What shall stand; equal to what stands when there is nothing to tell."""
    resource, workload = inputs.resource, inputs.workload
    conditions = status_conditions.all_of(inputs)
    active = next(each for each in conditions if each.type is ConditionType.SPECULATION_ACTIVE)
    pair = _pair(inputs)
    return Status(
        observed_generation=resource.generation,
        replicas=workload.replicas,
        ready_replicas=workload.ready,
        updated_replicas=workload.updated,
        selector=names.selector(resource.name),
        pair=pair,
        candidate=_candidate(inputs, pair),
        speculation=speculation.status(inputs, active),
        managed_by=managed_by,
        conditions=condition_list.merge(
            resource.status.conditions,
            conditions,
            generation=resource.generation,
            now=inputs.now,
        ),
    )


def _pair(inputs: StatusInputs) -> Pair | None:
    if inputs.serving is not None:
        return serving.pair(inputs.serving)
    # Its revision is gone by hand: what was told of the pods that still serve stays true.
    return inputs.resource.status.pair if inputs.workload.ready > 0 else None


def _candidate(inputs: StatusInputs, pair: Pair | None) -> Candidate | None:
    step = inputs.step
    if not isinstance(step, Accepted):
        return step.candidate
    if pair is not None and pair.input_hash == step.revision.input_hash:
        return None
    return _rolling_out(step.revision)


def _rolling_out(revision: Revision) -> Candidate:
    report = revision.report
    draft = report.draft
    return Candidate(
        input_hash=revision.input_hash,
        target=LockedSource(uri=report.target.uri, revision=report.target.revision),
        draft=None if draft is None else LockedSource(uri=draft.uri, revision=draft.revision),
        verdict=report.verdict,
        reason=ReconcilingReason.ROLLING_OUT.value,
        message="the pair is locked; its pods are starting",
    )
