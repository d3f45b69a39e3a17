"""What admission made of the operator's own writes: said once, and left as it stands."""

from __future__ import annotations

import json
from typing import Any

from tandem_operator.cluster.store import Key
from tandem_operator.planning import Apply, EventRecord, Reference, diff
from tandem_operator.planning.diff import Difference
from tandem_operator.planning.managed_fields import told

Object = dict[str, Any]

REASON = "ChangedByAdmission"
MOST_TOLD = 3
LONGEST_VALUE = 80


class Admission:
    """Remembers what was said of each child, so that a table that is written often says it once."""

    def __init__(self) -> None:
        self._said: dict[Key, dict[Reference, str]] = {}

    def event_record(self, key: Key, apply: Apply, answer: Object) -> EventRecord | None:
        """What is to be said of the answer to a write; None: it is as it was sent, or was said."""
        reference = apply.reference
        said = self._said.setdefault(key, {})
        found = tuple(diff.differences(answer, apply.body))
        if not found:
            said.pop(reference, None)
            return None
        message = (
            f"{reference.kind} {reference.name}: the API server took the operator's write and "
            f"changed it, which is left so: {listed(found)}"
        )
        if said.get(reference) == message:
            return None
        said[reference] = message
        return EventRecord("Normal", REASON, message)

    def forget(self, key: Key) -> None:
        self._said.pop(key, None)


def listed(found: tuple[Difference, ...]) -> str:
    """Field, wanted and actual value of each, the first few."""
    words = [
        f"{told(each.path)}: wanted {_value(each.wanted)}, is {_value(each.actual)}"
        for each in found[:MOST_TOLD]
    ]
    if len(found) > MOST_TOLD:
        words.append(f"and {len(found) - MOST_TOLD} more")
    return "; ".join(words)


def _value(value: Any) -> str:
    if value is None:
        return "absent"
    text = json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."
