"""From one kind of workload to the other: the new one is made beside the old one.

Both stand behind the one Service, which has the pods that are ready. The old one gives way as the
new one becomes ready, within `rollout` as in a rollout of one workload, and goes when it has no pod
left to give.
"""

from __future__ import annotations

from typing import Any

from tandem_operator.planning.children import engine_pods
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.resource import Resource
from tandem_operator.workloads import kinds
from tandem_operator.workloads.base import Counts, Rollout, WorkloadKind

Object = dict[str, Any]


def bodies(
    resource: Resource,
    current: Revision,
    wanted: int,
    revisions: tuple[Revision, ...],
    observed: ObservedObjects,
) -> list[Object]:
    """The workload of the current revision, and the one that it takes over from while that stands.

    `revisions` are newest first: the newest of the other kind is what the other workload runs.
    """
    former = _former(resource, current, observed)
    if former is None:
        return [engine_pods.body(resource, current, wanted)]
    kind, existing = former
    new, old = sizes(
        wanted,
        current.rollout,
        _counts(resource, current.kind, observed),
        kind.read(existing, observed.objects),
    )
    made = [engine_pods.body(resource, current, new)]
    known = next((each for each in revisions if each.kind is kind), None)
    if known is not None:
        made.append(engine_pods.body(resource, known, old))
    return made


def sizes(wanted: int, rollout: Rollout, new: Counts | None, old: Counts) -> tuple[int, int]:
    """Replicas of the new and of the old workload now.

    Together they are at most `wanted` and the surge, and at least `wanted` less those that may be
    missing are available, as far as they were. The new one is not made smaller on the way, nor the
    old one larger.
    """
    surge = _share(rollout.max_surge, wanted, up=True)
    missing = _share(rollout.max_unavailable, wanted, up=False)
    if surge == 0 and missing == 0:
        missing = 1  # as the API server's own controllers take it
    new_wanted = 0 if new is None else min(new.wanted, wanted)
    available = 0 if new is None else new.available
    room = wanted + surge - max(old.wanted, old.replicas)
    return (
        min(wanted, max(new_wanted, room)),
        min(old.wanted, max(0, wanted - missing - available)),
    )


def outlived(
    resource: Resource, current: Revision, wanted: int, observed: ObservedObjects
) -> list[Object]:
    """The old workload, once the new one is all that is asked for."""
    former = _former(resource, current, observed)
    new = _counts(resource, current.kind, observed)
    if former is None or new is None or not new.observed:
        return []
    whole = new.updated == new.replicas == new.wanted == wanted and new.available >= wanted
    return [former[1]] if whole else []


def _former(
    resource: Resource, current: Revision, observed: ObservedObjects
) -> tuple[WorkloadKind, Object] | None:
    for kind in kinds.ALL:
        existing = observed.ours(kind.kind, kind.name(resource.name))
        if existing is not None and kind is not current.kind:
            return kind, existing
    return None


def _counts(resource: Resource, kind: WorkloadKind, observed: ObservedObjects) -> Counts | None:
    existing = observed.ours(kind.kind, kind.name(resource.name))
    return None if existing is None else kind.read(existing, observed.objects)


def _share(amount: int | str, of: int, *, up: bool) -> int:
    """An amount, or a percentage of `of`, rounded up or down."""
    if isinstance(amount, int):
        return amount
    hundredths = int(amount.removesuffix("%")) * of
    return -(-hundredths // 100) if up else hundredths // 100
