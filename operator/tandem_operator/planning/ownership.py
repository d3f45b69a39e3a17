"""Whose an object is: only what the resource controls is ever changed or removed."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning.resource import Resource

Object = dict[str, Any]


class Ownership(Enum):
    """What the resource may do with an object of one of its children's names."""

    OURS = auto()
    LEAVING = auto()
    """Ours, or of an earlier resource of this name, and on its way out: waited for."""
    FOREIGN = auto()


def judge(resource: Resource, existing: Object) -> Ownership:
    """Whose `existing` is. An object without a controller of ours is foreign, whatever its labels.

    An object of an earlier resource of the same name is the garbage collector's to remove.
    """
    metadata = existing["metadata"]
    owner = controller(existing)
    of_this_name = (
        owner is not None
        and owner.get("kind") == names.KIND
        and owner.get("apiVersion", "").partition("/")[0] == names.GROUP
        and owner.get("name") == resource.name
    )
    if not of_this_name or owner is None:
        return Ownership.FOREIGN
    if owner.get("uid") != resource.uid or "deletionTimestamp" in metadata:
        return Ownership.LEAVING
    return Ownership.OURS


def controller(existing: Object) -> Object | None:
    """The owner reference that controls the object, if any."""
    references: list[Object] = existing["metadata"].get("ownerReferences", [])
    return next((held for held in references if held.get("controller")), None)


def controlled_by(existing: Object, uid: str) -> bool:
    """Whether the object with that UID controls `existing`."""
    owner = controller(existing)
    return owner is not None and owner.get("uid") == uid


def metadata(resource: Resource, name: str, labels: dict[str, str]) -> Object:
    """The metadata of a child: its labels, and the resource as its controller."""
    return {
        "name": name,
        "namespace": resource.namespace,
        "labels": {names.LABEL_MANAGED_BY: names.MANAGED_BY, **labels},
        "ownerReferences": [
            {
                "apiVersion": names.API_VERSION,
                "kind": names.KIND,
                "name": resource.name,
                "uid": resource.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
