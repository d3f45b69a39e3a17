"""The children as they shall stand, and what stands in their way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tandem_operator.planning import diff, ownership
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.ownership import Ownership
from tandem_operator.planning.plan import Apply, Reference
from tandem_operator.planning.resource import Resource
from tandem_operator.planning.snapshot import Failure, Snapshot
from tandem_operator.workloads import kinds
from tandem_operator.workloads.pods import controller

Object = dict[str, Any]

WAIT_S = 60.0
"""How long a leaving object of a wanted name is waited for, and a refused write is not repeated."""
CONFLICT = 409
REFUSED_CODES = frozenset({400, 403, 413, 422})
IMMUTABLE = "field is immutable when `immutable` is set"
"""What the API server says of a ConfigMap that somebody made immutable."""


@dataclass(frozen=True)
class Child:
    """A body that shall stand. ``guarded``: a change by anybody in between fails the write.

    ``needs`` is the child without which this one is not written (a pod mounts its table).
    """

    body: Object
    guarded: bool = False
    needs: Reference | None = None

    @property
    def reference(self) -> Reference:
        """Kind and name."""
        body = self.body
        return Reference(body["apiVersion"], body["kind"], body["metadata"]["name"])


@dataclass(frozen=True)
class ChildPlan:
    """What to write now. Texts say what hinders the rest; ``retry_s`` when to try it again."""

    applies: tuple[Apply, ...] = ()
    conflicts: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    look_up: tuple[Reference, ...] = ()
    retry_s: float | None = None

    @property
    def writes_workload(self) -> bool:
        """Whether a workload is about to be written."""
        return any(apply.reference.kind in kinds.KINDS for apply in self.applies)


def place(
    resource: Resource, children: Iterable[Child], observed: ObservedObjects, snapshot: Snapshot
) -> ChildPlan:
    """Compare each child with what has its name, in the order of the children."""
    failures = {failure.reference: failure for failure in snapshot.failures}
    applies: list[Apply] = []
    conflicts: list[str] = []
    waiting: list[str] = []
    refusals: list[str] = []
    look_up: list[Reference] = []
    hindered: set[Reference] = set()
    retries: list[float] = []
    for child in children:
        reference = child.reference
        place_name = f"{reference.kind} {reference.name}"
        existing = observed.get(reference.kind, reference.name)
        whose = Ownership.OURS if existing is None else observed.whose(existing)
        if existing is not None and whose is Ownership.LEAVING:
            hindered.add(reference)
            left_s = _left_s(existing, snapshot)
            leaves = f"{place_name}{_earlier(resource, existing)} is still being deleted"
            if left_s > 0:
                waiting.append(leaves)
                retries.append(left_s)
            else:
                conflicts.append(f"{leaves} after {WAIT_S:.0f} s: {_kept_by(existing)}")
            continue
        if existing is not None and whose is Ownership.FOREIGN:
            hindered.add(reference)
            conflicts.append(_conflict(resource, child, existing))
            look_up.append(reference)
            retries.append(WAIT_S)
            continue
        if child.needs in hindered:
            hindered.add(reference)
            continue
        write = diff.to_apply(child.body, existing, guarded=child.guarded)
        if write is None:
            continue
        write = replace(write, needs=child.needs)
        failure = failures.get(reference)
        uid = None if existing is None else existing["metadata"]["uid"]
        if failure is None or (failure.generation, failure.uid) != (resource.generation, uid):
            applies.append(write)
            continue
        if failure.code == CONFLICT and existing is None:
            conflicts.append(f"{place_name}: {failure.message}")
            look_up.append(reference)
        elif failure.code in REFUSED_CODES:
            remedy = _remedy(resource, reference, failure)
            refusals.append(f"{place_name} is refused: {failure.message}{remedy}")
        else:
            applies.append(write)
            continue
        rest_s = _rest_s(failure, snapshot.now)
        if rest_s == 0:
            applies.append(write)
            continue
        hindered.add(reference)
        if rest_s is not None:
            retries.append(rest_s)
    return ChildPlan(
        tuple(applies),
        tuple(conflicts),
        tuple(waiting),
        tuple(refusals),
        tuple(look_up),
        min(retries, default=None),
    )


def _remedy(resource: Resource, reference: Reference, failure: Failure) -> str:
    """What helps against a refusal, where it does not say so itself."""
    if IMMUTABLE in failure.message:
        return (
            "; it is made anew once it is gone: "
            f"kubectl delete {reference.kind.lower()} {reference.name} -n {resource.namespace}"
        )
    kind = kinds.KINDS.get(reference.kind)
    return "" if kind is None else kind.remedy


def _earlier(resource: Resource, leaving: Object) -> str:
    owner = controller(leaving)
    return "" if owner is None or owner.get("uid") == resource.uid else " of an earlier owner"


def _kept_by(leaving: Object) -> str:
    finalizers = ", ".join(leaving["metadata"].get("finalizers") or ())
    return f"see its finalizers ({finalizers})" if finalizers else "see its owner references"


def _conflict(resource: Resource, child: Child, existing: Object) -> str:
    reference = child.reference
    taken = f"{reference.kind} {reference.name} exists and does not belong to this resource"
    kind = kinds.KINDS.get(reference.kind)
    lock = "" if kind is None else ownership.lock_of(kind.template(existing))
    if kind is not None and lock and controller(existing) is None:
        wanted = ownership.lock_of(kind.template(child.body))
        return (
            f"{taken}: its pods are of lock {lock}, and this pair's is {wanted}. "
            f"Where they may go: kubectl delete {kind.kind.lower()} {reference.name} "
            f"-n {resource.namespace}"
        )
    return f"{taken}: delete or rename it, or give this resource another name"


def _left_s(existing: Object, snapshot: Snapshot) -> float:
    """Seconds for which a leaving object is still waited for."""
    since = snapshot.ended_at(existing["metadata"]["uid"])
    return (since + timedelta(seconds=WAIT_S) - snapshot.now).total_seconds()


def _rest_s(failure: Failure, now: datetime) -> float | None:
    """Seconds until a refused write is tried again; None: not before the spec changes."""
    if failure.tried_at is None:
        return None
    return max(WAIT_S - (now - failure.tried_at).total_seconds(), 0.0)
