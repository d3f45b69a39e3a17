"""What the loop takes of the objects of one resource, besides its pods."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.planning.children.revisions import revision

Object = dict[str, Any]


def config_map(name: str, objects: tuple[Object, ...]) -> Object | None:
    for item in objects:
        if item.get("kind") == "ConfigMap" and item["metadata"]["name"] == name:
            return item
    return None


def experts(lock: str, objects: tuple[Object, ...]) -> tuple[int, int] | None:
    """Experts of the target and those active for a token, as its lock report says."""
    for item in objects:
        if item.get("kind") != "ControllerRevision":
            continue
        if (item["metadata"].get("labels") or {}).get(names.LABEL_LOCK) == lock:
            return revision.mixture_of_experts(item)
    return None
