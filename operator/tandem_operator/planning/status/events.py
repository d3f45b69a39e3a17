"""Kubernetes Events: one for a transition that somebody may want to know of."""

from __future__ import annotations

from tandem_operator.api.conditions import ConditionType, SpeculationReason
from tandem_operator.api.status import Condition, LiveMode, Status
from tandem_operator.planning.plan import EventRecord

MAX_MESSAGE_LENGTH = 1024
TOLD = (
    ConditionType.READY,
    ConditionType.RECONCILING,
    ConditionType.STALLED,
    ConditionType.PAUSED,
    ConditionType.PAIR_COMPATIBLE,
    ConditionType.SPECULATION_ACTIVE,
    ConditionType.ACCEPTANCE_DECAYED,
)


def between(before: Status, after: Status) -> tuple[EventRecord, ...]:
    """A note for each told condition whose status or reason is new.

    What is only not known yet (Unknown) makes none, nor do the steps of a resource that was never
    ready: Reconciling and Stalled tell those. Nor does what begins as it should (see `Ready`).
    """
    event_records = []
    for kind in TOLD:
        new, old = after.condition(kind), before.condition(kind)
        if new is None or new.status == "Unknown" or _same(old, new):
            continue
        was_ready = old is not None and old.status == "True"
        if kind is ConditionType.READY and new.status == "False" and not was_ready:
            continue
        if _begins_well(kind, old, new):
            continue
        warning = kind is ConditionType.STALLED or (
            kind is ConditionType.PAIR_COMPATIBLE and new.status == "False"
        )
        event_records.append(
            EventRecord(
                "Warning" if warning else "Normal",
                new.reason,
                (new.message or new.reason)[:MAX_MESSAGE_LENGTH],
            )
        )
    event_records += _new_depth(before, after)
    unique = {event_record.reason: event_record for event_record in reversed(event_records)}
    return tuple(reversed(unique.values()))


def _new_depth(before: Status, after: Status) -> list[EventRecord]:
    """Each K that comes by rollout, also the second: they are rare, and replace every pod."""
    kind = ConditionType.SPECULATION_ACTIVE
    old, new = before.condition(kind), after.condition(kind)
    rolls = after.speculation is not None and after.speculation.live_mode is LiveMode.ROLLOUT
    if not rolls or old is None or new is None or new.reason != SpeculationReason.TUNED:
        return []
    if not _same(old, new) or old.message == new.message:
        return []
    return [EventRecord("Normal", new.reason, new.message[:MAX_MESSAGE_LENGTH])]


def _begins_well(kind: ConditionType, old: Condition | None, new: Condition) -> bool:
    """A pair that was known before, and speculation that begins with the first pod."""
    if new.status != "True":
        return False
    if kind is ConditionType.PAIR_COMPATIBLE:
        return old is None
    waited = old is None or (old.status == "Unknown" and old.reason == new.reason)
    return kind is ConditionType.SPECULATION_ACTIVE and waited


def _same(old: Condition | None, new: Condition) -> bool:
    return old is not None and (old.status, old.reason) == (new.status, new.reason)
