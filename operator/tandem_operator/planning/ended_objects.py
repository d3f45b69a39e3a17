"""Which objects have ended, so that the operator can count from when it first saw so.

Times that others wrote are never compared with the operator's own: their clocks differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning.lock import report as lock_report
from tandem_operator.workloads.pods import controller

Object = dict[str, Any]


def ended(resource: Object, objects: Iterable[Object]) -> frozenset[str]:
    """UIDs of lock Jobs that ended, and of objects that leave: being deleted, or of a resource of
    this name that is no more."""
    listed = tuple(objects)
    pods = [each for each in listed if each["kind"] == "Pod"]
    return frozenset(
        each["metadata"]["uid"]
        for each in listed
        if _leaves(resource, each) or (each["kind"] == "Job" and lock_report.has_ended(each, pods))
    )


def _leaves(resource: Object, raw: Object) -> bool:
    if "deletionTimestamp" in raw["metadata"]:
        return True
    owner = controller(raw) or {}
    of_the_name = (owner.get("kind"), owner.get("name")) == (
        names.KIND,
        resource["metadata"]["name"],
    )
    return of_the_name and owner.get("uid") != resource["metadata"]["uid"]
