"""How kstatus reads a resource, and whether what it reads as Current is so."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import resource

Object = dict[str, Any]


def current(raw: Object) -> bool:
    """Whether tools that wait for a rollout take it for done; their rules in their order."""
    status = raw.get("status") or {}
    if "deletionTimestamp" in raw["metadata"]:
        return False
    if status.get("observedGeneration") != raw["metadata"]["generation"]:
        return False
    conditions = {
        condition["type"]: condition["status"] for condition in status.get("conditions", [])
    }
    return conditions.get("Ready") == "True" and "True" not in (
        conditions.get("Reconciling"),
        conditions.get("Stalled"),
    )


def done(raw: Object, objects: Iterable[Object]) -> bool:
    """Whether the pods of the present spec are all there is, ready, as many as are wanted.

    The pods may run a form of the pair beside its revision: the one without the draft.
    Read from the Deployment, its ReplicaSets and its pods, not from anything that status tells.
    """
    by_place = {(each["kind"], each["metadata"]["name"]): each for each in objects}
    wanted = resource.parse(raw)
    revision = by_place.get(("ControllerRevision", f"{wanted.name}-{wanted.input_hash}")) or next(
        (
            each
            for each in by_place.values()
            if _without_gear(each) == names.pod_shaping(wanted.spec)
        ),
        None,
    )
    deployment = by_place.get(("Deployment", wanted.name))
    group = by_place.get(("LeaderWorkerSet", f"{wanted.name}-group"))
    if revision is not None and group is not None and deployment is None:
        return _groups_done(wanted.spec.replicas, group, revision, tuple(by_place.values()))
    if revision is None or deployment is None or group is not None:
        return False
    forms = [
        each["data"]["template"]
        for each in by_place.values()
        if each["kind"] == "ControllerRevision"
        and each["data"]["inputHash"] == revision["data"]["inputHash"]
    ]
    form = next((each for each in forms if _holds(deployment["spec"]["template"], each)), None)
    if form is None:
        return False
    sets = {
        each["metadata"]["uid"]
        for each in by_place.values()
        if each["kind"] == "ReplicaSet" and _owned(each, {deployment["metadata"]["uid"]})
    }
    pods = [each for each in by_place.values() if each["kind"] == "Pod" and _owned(each, sets)]
    canary = any(kind == "Deployment" and "-canary-" in name for kind, name in by_place)
    replaced = int(wanted.spec.rollout.max_surge == 0 and canary)
    return len(pods) + replaced in (wanted.spec.replicas, wanted.spec.replicas + replaced) and all(
        _holds(pod["spec"], form["spec"]) and _ready(pod) for pod in pods
    )


def _groups_done(
    replicas: int, group: Object, revision: Object, objects: tuple[Object, ...]
) -> bool:
    """As `done`, of a LeaderWorkerSet, its StatefulSets and all their pods."""
    made, data = group["spec"]["leaderWorkerTemplate"], revision["data"]
    templates = (data["template"], data["workers"]["template"])
    if not all(
        _holds(made[name], template)
        for name, template in zip(("leaderTemplate", "workerTemplate"), templates, strict=True)
    ):
        return False
    leaders = _pods_of({group["metadata"]["uid"]}, objects)
    workers = _pods_of({each["metadata"]["uid"] for each in leaders}, objects)
    return (
        len(leaders) == replicas
        and len(workers) == replicas * data["workers"]["count"]
        and all(_holds(pod["spec"], templates[0]["spec"]) and _ready(pod) for pod in leaders)
        and all(_holds(pod["spec"], templates[1]["spec"]) and _ready(pod) for pod in workers)
    )


def _pods_of(owners: set[str], objects: tuple[Object, ...]) -> list[Object]:
    """Pods of the StatefulSets of these owners."""
    sets = {
        each["metadata"]["uid"]
        for each in objects
        if each["kind"] == "StatefulSet" and _owned(each, owners)
    }
    return [each for each in objects if each["kind"] == "Pod" and _owned(each, sets)]


def _without_gear(revision: Object) -> Object | None:
    """The spec of a revision of a release that knew `engine.gear`; None of any other object."""
    spec: Object = copy.deepcopy(revision.get("data", {}).get("spec") or {})
    return spec if spec.get("engine", {}).pop("gear", None) else None


def _owned(raw: Object, owners: set[str]) -> bool:
    return any(each["uid"] in owners for each in raw["metadata"].get("ownerReferences", ()))


def _ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


def _holds(actual: Any, wanted: Any) -> bool:
    """Whether `actual` is `wanted` with what others added to it."""
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(
            name in actual and _holds(actual[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(actual, list) and all(
            any(_holds(each, value) for each in actual) for value in wanted
        )
    return bool(actual == wanted) or str(actual) == str(wanted)
