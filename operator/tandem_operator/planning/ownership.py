"""Whose an object is: only what is the resource's is ever changed or removed."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning.children import common_metadata
from tandem_operator.planning.resource import Resource
from tandem_operator.workloads import kinds
from tandem_operator.workloads.pods import controller

Object = dict[str, Any]


class Ownership(Enum):
    """What the resource may do with an object of one of its children's names."""

    OURS = auto()
    LEAVING = auto()
    """Ours, or of an earlier resource of this name, and on its way out: waited for."""
    FOREIGN = auto()


def of(resource: Resource, existing: Object, locks: frozenset[str] = frozenset()) -> Ownership:
    """Whose `existing` is. `locks` are the hashes of the resource's locked revisions.

    An object that another controls is foreign, whatever its labels. One that nobody controls is
    ours where it carries our labels and digest (see `_is_orphan`): a backup or a move to another
    cluster brings objects back without their owners. An object of an earlier resource of the same
    name is the garbage collector's to remove.
    """
    metadata = existing["metadata"]
    owner = controller(existing)
    if owner is None:
        if not _is_orphan(resource, existing, locks):
            return Ownership.FOREIGN
        return Ownership.LEAVING if "deletionTimestamp" in metadata else Ownership.OURS
    of_this_name = (
        owner.get("kind") == names.KIND
        and owner.get("apiVersion", "").partition("/")[0] == names.GROUP
        and owner.get("name") == resource.name
    )
    if not of_this_name:
        return Ownership.FOREIGN
    if owner.get("uid") != resource.uid or "deletionTimestamp" in metadata:
        return Ownership.LEAVING
    return Ownership.OURS


def _is_orphan(resource: Resource, existing: Object, locks: frozenset[str]) -> bool:
    """Whether the operator made the object for a resource of this name, and nobody has it now.

    A workload is taken up only with pods of a lock that a revision of the resource holds: pods that
    serve stay, and pods of a pair that nobody judged are never ours.
    """
    metadata = existing["metadata"]
    labels: Object = metadata.get("labels") or {}
    if (
        labels.get(names.LABEL_DEPLOYMENT) != resource.name
        or labels.get(names.LABEL_MANAGED_BY) != names.MANAGED_BY
        or names.ANNOTATION_APPLIED not in (metadata.get("annotations") or {})
    ):
        return False
    kind = kinds.KINDS.get(existing["kind"])
    if kind is not None:
        return lock_of(kind.template(existing)) in locks
    if existing["kind"] == "ControllerRevision":
        locked_as = (existing.get("data") or {}).get("inputHash")
        return bool(metadata["name"] == names.controller_revision(resource.name, str(locked_as)))
    return True


def lock_of(raw: Object) -> str:
    """The hash of the lock that an object's or a pod template's label names; empty without one."""
    labels: Object = (raw.get("metadata") or {}).get("labels") or {}
    return str(labels.get(names.LABEL_LOCK, ""))


def metadata(resource: Resource, kind: str, name: str, labels: dict[str, str]) -> Object:
    """The metadata of a child: its labels, the user's, and the resource as its controller."""
    annotations = common_metadata.annotations_of(resource, kind)
    return {
        "name": name,
        "namespace": resource.namespace,
        "labels": {
            **common_metadata.labels_of(resource),
            names.LABEL_MANAGED_BY: names.MANAGED_BY,
            **labels,
        },
        **({"annotations": annotations} if annotations else {}),
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
