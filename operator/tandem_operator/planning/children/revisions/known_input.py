"""The revision of the present input, also where this release no longer knows a field of it.

A definition without a field drops it from stored resources. The input then has another hash, though
nobody changed anything: pods are not rolled for that, and it is told which fields they still have.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from pydantic import ValidationError

from tandem_operator.api import names
from tandem_operator.api.spec import Spec
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.resource import Resource

Object = dict[str, Any]


def find(resource: Resource, revisions: tuple[Revision, ...]) -> Revision | None:
    """The revision that the resource asks for now, if it is locked already."""
    exact = next(
        (revision for revision in revisions if revision.input_hash == resource.input_hash), None
    )
    if exact is not None or not revisions:
        return exact
    newest = revisions[0]
    return newest if _differs_by_unknown_fields(resource, newest) else None


def forgotten(revision: Revision) -> tuple[str, ...]:
    """Fields of the revision's spec that this release does not know, as dotted paths."""
    return tuple("spec." + ".".join(map(str, path)) for path in _unknown(revision.shape))


def _differs_by_unknown_fields(resource: Resource, revision: Revision) -> bool:
    shape = copy.deepcopy(revision.shape)
    if resource.refresh is not None:
        asked = {"refresh": resource.refresh, "spec": shape}
        if names.digest(asked) != revision.input_hash:
            return False  # another value of the refresh annotation
    for path in _unknown(shape):
        holder: Any = shape
        for part in path[:-1]:
            holder = holder[part]
        del holder[path[-1]]
    return bool(shape == json.loads(json.dumps(names.pod_shaping(resource.spec))))


def _unknown(shape: Object) -> list[tuple[int | str, ...]]:
    try:
        Spec.model_validate(shape)
    except ValidationError as error:
        return [
            fault["loc"]
            for fault in error.errors(include_url=False, include_input=False)
            if fault["type"] == "extra_forbidden"
        ]
    return []
