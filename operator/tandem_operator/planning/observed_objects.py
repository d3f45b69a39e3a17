"""What stands in the namespace, found by kind and name. Absence is fact (see `Snapshot`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tandem_operator.planning import ownership
from tandem_operator.planning.ownership import Ownership
from tandem_operator.planning.plan import Reference
from tandem_operator.planning.resource import Resource
from tandem_operator.workloads.pods import controller

Object = dict[str, Any]


class ObservedObjects:
    """The objects of one snapshot, as the resource sees them."""

    def __init__(self, resource: Resource, objects: Iterable[Object]) -> None:
        self._resource = resource
        self._locks: frozenset[str] = frozenset()
        self._by_place = {
            (held["kind"], held["metadata"]["name"]): held
            for held in sorted(objects, key=lambda each: str(each["metadata"]["name"]))
        }
        self._locks = frozenset(
            ownership.lock_of(held) for held in self.all_ours("ControllerRevision")
        )

    @property
    def objects(self) -> tuple[Object, ...]:
        """All of them, in the order of their names."""
        return tuple(self._by_place.values())

    def get(self, kind: str, name: str) -> Object | None:
        """Whatever has that name, whoever owns it."""
        return self._by_place.get((kind, name))

    def ours(self, kind: str, name: str) -> Object | None:
        """The object of that name, if it is the resource's and not leaving."""
        held = self.get(kind, name)
        return held if held is not None and self.whose(held) is Ownership.OURS else None

    def whose(self, held: Object) -> Ownership:
        """Whose an object is; the locks of the resource's revisions tell its orphaned pods."""
        return ownership.judge(self._resource, held, self._locks)

    def is_orphan(self, kind: str, name: str) -> bool:
        """Whether the object is the resource's, but says so by its labels alone."""
        held = self.ours(kind, name)
        return held is not None and controller(held) is None

    def all_of(self, kind: str) -> Iterator[Object]:
        """Every object of a kind, in the order of their names."""
        return (held for (held_kind, _), held in self._by_place.items() if held_kind == kind)

    def all_ours(self, kind: str) -> Iterator[Object]:
        """Those of a kind that are the resource's and not leaving."""
        return (held for held in self.all_of(kind) if self.whose(held) is Ownership.OURS)


def reference(held: Object) -> Reference:
    """The reference to an object."""
    return Reference(held["apiVersion"], held["kind"], held["metadata"]["name"])
