"""What a manifest would change of the resource that a cluster holds: live, or by rolling pods.

Both are read as the operator reads them, so that a constant default that is left out is no change.
`replicas` that the manifest leaves out stays what it is: an autoscaler's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from tandem_operator.api import names
from tandem_operator.api.fields import Change
from tandem_operator.planning import resource
from tandem_operator.planning.resource import Resource

Object = dict[str, Any]

REPLICAS = "replicas"


@dataclass(frozen=True)
class FieldChange:
    """One field, by its path; None where it is not set. It `rolls` pods, or is live."""

    path: str
    before: Any
    after: Any
    rolls: bool


@dataclass(frozen=True)
class Difference:
    """`exists`: there is such a resource. `rolls` where its pods would be replaced."""

    exists: bool
    changes: tuple[FieldChange, ...] = ()
    rolls: bool = False
    replicas: int = 0


def difference(existing: Object | None, stored: Object, given: Object) -> Difference:
    """What applying changes; `stored` is what the manifest `given` would be stored as.

    Raises UnreadableSpecError where the resource that is there is of another release.
    """
    if existing is None:
        return Difference(exists=False)
    before = resource.parse(existing)
    spec = dict(stored["spec"])
    if REPLICAS not in given["spec"]:
        spec[REPLICAS] = before.spec.replicas
    annotations = {
        **(existing["metadata"].get("annotations") or {}),
        **(stored["metadata"].get("annotations") or {}),
    }
    metadata = {**existing["metadata"], "annotations": annotations}
    after = resource.parse({**existing, "metadata": metadata, "spec": spec})
    changes = tuple(_changes(before.spec, after.spec, "", False))
    if before.refresh != after.refresh:
        path = f"metadata.annotations.{names.ANNOTATION_REFRESH}"
        changes += (FieldChange(path, before.refresh, after.refresh, rolls=True),)
    return Difference(True, changes, _hash(before) != _hash(after), after.spec.replicas)


def lines(changes: Difference, name: str) -> list[str]:
    """The difference for people."""
    if not changes.exists:
        return [f"{name} is not in the cluster: it would be created"]
    if not changes.changes:
        return [f"{name} would not change"]
    shown = []
    for change in changes.changes:
        how = "rollout" if change.rolls else "live"
        shown.append(f"{change.path}: {_shown(change.before)} -> {_shown(change.after)} ({how})")
    if changes.rolls:
        pods = "1 engine pod is" if changes.replicas == 1 else f"{changes.replicas} engine pods are"
        shown.append(
            f"the pair is locked again, then {pods} replaced; an old pod serves until its "
            "successor is ready"
        )
    else:
        shown.append("no pod is replaced")
    return shown


def document(changes: Difference) -> Object:
    """The difference as JSON values."""
    return {
        "exists": changes.exists,
        "rolls": changes.rolls,
        "changes": [
            {"path": one.path, "before": one.before, "after": one.after, "rolls": one.rolls}
            for one in changes.changes
        ],
    }


def _hash(of: Resource) -> str:
    return names.input_hash(of.spec, of.refresh)


def _changes(before: BaseModel, after: BaseModel, path: str, live: bool) -> Iterator[FieldChange]:
    for name, field in type(before).model_fields.items():
        stays = live or Change.LIVE in field.metadata
        here = f"{path}.{field.alias or name}" if path else f"spec.{field.alias or name}"
        existing, wanted = getattr(before, name), getattr(after, name)
        if existing == wanted:
            continue
        if isinstance(existing, BaseModel) and isinstance(wanted, BaseModel):
            yield from _changes(existing, wanted, here, stays)
        else:
            yield FieldChange(here, _plain(existing), _plain(wanted), rolls=not stays)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value


def _shown(value: Any) -> str:
    return "not set" if value is None else str(value)
