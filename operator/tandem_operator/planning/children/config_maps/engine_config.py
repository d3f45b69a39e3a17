"""The ConfigMaps of an engine's own files: made with the revision that mounts them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.resource import Resource

Object = dict[str, Any]


def bodies(resource: Resource, revision: Revision) -> list[Object]:
    """Each with a name that says its content, so that none is ever changed."""
    labels = {
        names.LABEL_DEPLOYMENT: resource.name,
        names.LABEL_ROLE: names.ROLE_CONFIG,
        names.LABEL_LOCK: revision.lock_hash,
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": ownership.metadata(resource, "ConfigMap", name, labels),
            "data": dict(files),
        }
        for name, files in revision.config.items()
    ]


def unused(observed: ObservedObjects, revisions: Iterable[Revision]) -> list[Object]:
    """Those that no revision that is kept would mount again."""
    kept = {name for each in revisions for name in each.config}
    return [
        each
        for each in observed.all_ours("ConfigMap")
        if each["metadata"].get("labels", {}).get(names.LABEL_ROLE) == names.ROLE_CONFIG
        and each["metadata"]["name"] not in kept
    ]
