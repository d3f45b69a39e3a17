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
            (raw["kind"], raw["metadata"]["name"]): raw
            for raw in sorted(objects, key=lambda each: str(each["metadata"]["name"]))
        }
        self._locks = frozenset(
            ownership.lock_of(raw) for raw in self.all_ours("ControllerRevision")
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
        existing = self.get(kind, name)
        return existing if existing is not None and self.whose(existing) is Ownership.OURS else None

    def whose(self, raw: Object) -> Ownership:
        """Whose an object is; the locks of the resource's revisions tell its orphaned pods."""
        return ownership.of(self._resource, raw, self._locks)

    def is_orphan(self, kind: str, name: str) -> bool:
        """Whether the object is the resource's, but says so by its labels alone."""
        existing = self.ours(kind, name)
        return existing is not None and controller(existing) is None

    def all_of(self, kind: str) -> Iterator[Object]:
        """Every object of a kind, in the order of their names."""
        return (raw for (its_kind, _), raw in self._by_place.items() if its_kind == kind)

    def all_ours(self, kind: str) -> Iterator[Object]:
        """Those of a kind that are the resource's and not leaving."""
        return (raw for raw in self.all_of(kind) if self.whose(raw) is Ownership.OURS)


def reference(raw: Object) -> Reference:
    """The reference to an object."""
    return Reference(raw["apiVersion"], raw["kind"], raw["metadata"]["name"])
