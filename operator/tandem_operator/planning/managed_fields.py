"""Who set a field last, as the API server records it beside each object.

A field that the operator still owns with another value than it sent was changed on the way in, by
admission: whoever changes a field later takes its ownership too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tandem_operator.api import names

Object = dict[str, Any]
APPLY = "Apply"


class Item(NamedTuple):
    """One entry of a list that is merged by key: the values of its keys."""

    keys: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return f"[{self.keys[0][1]}]"


Step = str | Item
Path = tuple[Step, ...]


def text_of(path: Path) -> str:
    """The path as people write it: `spec.template.spec.containers[main].image`."""
    text = ""
    for step in path:
        text += str(step) if isinstance(step, Item) or not text else f".{step}"
    return text


def kept(raw: Object) -> list[Object]:
    """The operator's own entry alone, its fields as text: all that is asked of a child later."""
    return [
        {
            "manager": names.FIELD_MANAGER,
            "operation": APPLY,
            "fieldsV1": json.dumps(_fields(entry), separators=(",", ":")),
        }
        for entry in _entries(raw)
        if entry.get("manager") == names.FIELD_MANAGER and entry.get("operation") == APPLY
    ]


def owns(raw: Object, path: Path) -> bool:
    """Whether the operator set the field at `path` last, as far as the object tells."""
    return any(
        entry.get("manager") == names.FIELD_MANAGER
        and entry.get("operation") == APPLY
        and _has(_fields(entry), path)
        for entry in _entries(raw)
    )


def others(raw: Object, path: Path) -> tuple[str, ...]:
    """Everybody else who owns the field at `path`."""
    managers = (
        str(entry.get("manager"))
        for entry in _entries(raw)
        if entry.get("manager") != names.FIELD_MANAGER and _has(_fields(entry), path)
    )
    return tuple(sorted(set(managers)))


def _entries(raw: Object) -> Iterator[Object]:
    entries: Iterable[Object] = raw["metadata"].get("managedFields") or ()
    return (entry for entry in entries if "subresource" not in entry)


def _fields(entry: Object) -> Object:
    fields = entry.get("fieldsV1") or {}
    parsed: Object = json.loads(fields) if isinstance(fields, str) else fields
    return parsed


def _has(fields: Object, path: Path) -> bool:
    if not path or not fields:
        return True  # what is set as one, or what is asked for as one
    child = _child(fields, path[0])
    return child is not None and _has(child, path[1:])


def _child(fields: Object, step: Step) -> Object | None:
    if isinstance(step, str):
        named: Object | None = fields.get(f"f:{step}")
        return named
    for key, child in fields.items():
        if key.startswith("k:") and json.loads(key[2:]) == dict(step.keys):
            entry: Object = child
            return entry
    return None
