"""The resource as the plan reads it: parsed once, with the values in force.

Used by the other files of this room.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from tandem_operator.api import defaults, names
from tandem_operator.api.defaults import Effective
from tandem_operator.api.spec import Spec
from tandem_operator.api.status import Status

Object = dict[str, Any]


class UnreadableSpecError(ValueError):
    """The API server holds a spec that this release does not know; says which fields."""


@dataclass(frozen=True)
class Resource:
    """One SpeculativeDeployment."""

    name: str
    namespace: str
    uid: str
    generation: int
    spec: Spec
    status: Status
    created: datetime
    refresh: str | None = None
    locked_as: str | None = None

    @cached_property
    def input_hash(self) -> str:
        """Names the pod-shaping input; the same input has the same lock and template.

        ``locked_as`` is the name under which a revision holds it, where that is another.
        """
        return self.locked_as or names.input_hash(self.spec, self.refresh)

    @property
    def values(self) -> Effective:
        """The dependent defaults in force."""
        return defaults.effective(self.spec, self.name)


def parse(raw: Object) -> Resource:
    """Read the object. Raises UnreadableSpecError when its spec is not one of this release."""
    metadata = raw["metadata"]
    try:
        spec = Spec.model_validate(raw["spec"])
    except ValidationError as error:
        raise UnreadableSpecError(message_of(error)) from error
    return Resource(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        spec=spec,
        status=status_of(raw),
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        refresh=metadata.get("annotations", {}).get(names.ANNOTATION_REFRESH),
    )


def status_of(raw: Object) -> Status:
    """The status that stands; a status that another release wrote and nobody can read is none."""
    try:
        return Status.model_validate(raw.get("status") or {})
    except ValidationError:
        return Status()


def message_of(error: ValidationError) -> str:
    """Every fault as `spec.path: value: what is wrong`, at most ten."""
    faults = error.errors(include_url=False)
    lines = []
    for fault in faults[:10]:
        path = ".".join(("spec", *(str(part) for part in fault["loc"])))
        lines.append(f"{path}: {fault['input']!r:.80}: {fault['msg']}")
    if len(faults) > len(lines):
        lines.append(f"and {len(faults) - len(lines)} more")
    return " | ".join(lines)
