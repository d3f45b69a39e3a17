"""What admission made of the operator's own writes: said once, and left as it stands."""

from __future__ import annotations

import json
from typing import Any

from tandem_operator.cluster.store import Key
from tandem_operator.planning import Apply, EventRecord, Reference, diff
from tandem_operator.planning.diff import Difference
from tandem_operator.planning.managed_fields import text_of

Object = dict[str, Any]

REASON = "ChangedByAdmission"
MOST_TOLD = 3
LONGEST_VALUE = 80


class Admission:
    """Remembers what was said of each child, so that a table that is written often says it once."""

    def __init__(self) -> None:
        self._reported: dict[Key, dict[Reference, str]] = {}

    def event_record(self, key: Key, apply: Apply, answer: Object) -> EventRecord | None:
        """What is to be said of the answer to a write; None: it is as it was sent, or was said."""
        reference = apply.reference
        reported = self._reported.setdefault(key, {})
        differing = tuple(diff.differences(answer, apply.body))
        if not differing:
            reported.pop(reference, None)
            return None
        message = (
            f"{reference.kind} {reference.name}: the API server took the operator's write and "
            f"changed it, which is left so: {listed(differing)}"
        )
        if reported.get(reference) == message:
            return None
        reported[reference] = message
        return EventRecord("Normal", REASON, message)

    def forget(self, key: Key) -> None:
        self._reported.pop(key, None)


def listed(differing: tuple[Difference, ...]) -> str:
    """Field, wanted and actual value of each, the first few."""
    words = [
        f"{text_of(each.path)}: wanted {_value(each.wanted)}, is {_value(each.actual)}"
        for each in differing[:MOST_TOLD]
    ]
    if len(differing) > MOST_TOLD:
        words.append(f"and {len(differing) - MOST_TOLD} more")
    return "; ".join(words)


def _value(value: Any) -> str:
    if value is None:
        return "absent"
    text = json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."
