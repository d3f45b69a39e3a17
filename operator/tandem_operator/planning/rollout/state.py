"""What is remembered of rollouts that the spec did not ask for: an annotation of the revision.

It stands on the ControllerRevision of the locked pair, so it survives the operator and goes with
the pair. Pods follow what is stored, never what was only decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tandem_operator.api import names
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.resource import Resource

Object = dict[str, Any]

ANNOTATION = f"{names.GROUP}/rollout"
ANNOTATION_RESTARTED = f"{names.GROUP}/restarted-at"
"""On pods: when they were made again, for no change of the spec."""


class Form(StrEnum):
    """What the pods run."""

    LOADED = "Loaded"
    REMOVED = "Removed"
    CANARY = "Canary"
    """Removed, and one pod beside the others tries the draft."""


@dataclass(frozen=True)
class RolloutState:
    """The form since ``since`` (None: from the beginning), and why.

    ``number`` is the revision's when this was decided: a pair that is returned to begins again.
    ``dwell_s`` is how long the form lasts at least. ``tokens`` is a canary's
    K. ``in_vain`` counts canaries in a row that were poor.
    ``restarted`` is when the pods were last restarted for decay, ``restarts`` how often in a row.
    ``depth`` is K where it changes by rollout (None: the revision's own), since ``depth_since``;
    ``depth_dwell_s`` is how long it lasts at least, ``depth_message`` why.
    """

    number: int
    form: Form = Form.LOADED
    since: datetime | None = None
    dwell_s: float = 0.0
    cause: str = ""
    message: str = ""
    tokens: int | None = None
    in_vain: int = 0
    restarted: datetime | None = None
    restarts: int = 0
    depth: int | None = None
    depth_since: datetime | None = None
    depth_dwell_s: float = 0.0
    depth_message: str = ""

    @property
    def is_new(self) -> bool:
        """Whether nothing ever happened: then nothing is stored."""
        return self == RolloutState(self.number)


_ADAPTER: TypeAdapter[RolloutState] = TypeAdapter(RolloutState)


def read(resource: Resource, revision: Revision, observed: ObservedObjects) -> RolloutState:
    """The state of a stored revision; one that nobody can read is a new one."""
    place = names.controller_revision(resource.name, revision.input_hash)
    stored = observed.ours("ControllerRevision", place)
    text = ((stored or {}).get("metadata", {}).get("annotations") or {}).get(ANNOTATION)
    new = RolloutState(revision.number)
    if text is None:
        return new
    try:
        known = _ADAPTER.validate_json(text)
    except ValidationError:
        return new
    return known if known.number == revision.number else new


def annotated(body: Object, state: RolloutState) -> Object:
    """The body of the revision with its state."""
    if state.is_new:
        return body
    metadata = body["metadata"]
    text = _ADAPTER.dump_json(state, exclude_defaults=True).decode()
    annotations = {**metadata.get("annotations", {}), ANNOTATION: text}
    return {**body, "metadata": {**metadata, "annotations": annotations}}
