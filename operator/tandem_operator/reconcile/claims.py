"""Two installations that watch the same resource: one manages it, the other notices and yields.

Each names itself in `status.managedBy`. A newcomer cannot know whether the manager that stands
there still runs, so it asks by writing its own name and nothing else: a manager that lives takes
its place back at once, and the newcomer leaves the resource alone. Without an answer it is the
manager.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from tandem_operator.clock import Clock
from tandem_operator.cluster.store import Key
from tandem_operator.planning import EventRecord

ANSWER_S = 15.0
"""How long a manager has to answer."""
FIRST_REST_S = 600.0
LONGEST_REST_S = 3600.0
MOST_ANSWERS = 5
WITHIN_S = 3600.0
"""Who answers so often and is asked again has no partner that yields, and yields itself."""
YIELDED = "ManagedElsewhere"
ANSWERED = "SecondInstallation"


class Action(Enum):
    """What may be done about a resource."""

    MANAGE = auto()
    ASK = auto()
    """Write our name into status, and nothing else."""
    WAIT = auto()


@dataclass(frozen=True)
class Claim:
    """``again_s``: seconds until the next reconciliation; ``note`` is to be told as an Event."""

    action: Action
    again_s: float | None = None
    event_record: EventRecord | None = None


@dataclass
class _Knowledge:
    since_s: float | None = None
    asked_s: float | None = None
    rest_s: float = FIRST_REST_S / 2
    until_s: float = 0.0
    answers_s: list[float] = field(default_factory=list)
    answering: bool = False


class Claims:
    """What this process knows of who manages what; `name` is the installation's own."""

    def __init__(
        self, name: str, clock: Clock, on_change: Callable[[int], None] = lambda yielded: None
    ) -> None:
        self._name = name
        self._clock = clock
        self._on_change = on_change
        self._known: dict[Key, _Knowledge] = {}
        self._yielded: set[Key] = set()

    def claim(self, key: Key, managed_by: str | None) -> Claim:
        """What to do about a resource in whose status that name stands."""
        known = self._known.setdefault(key, _Knowledge())
        now_s = self._clock.now_s()
        if managed_by is None or managed_by == self._name:
            if known.asked_s is not None and managed_by is not None:
                left_s = known.asked_s + ANSWER_S - now_s
                if left_s > 0:
                    return Claim(Action.WAIT, left_s)
            known.asked_s, known.answering = None, False
            known.since_s = now_s if known.since_s is None else known.since_s
            self._yields(key, False)
            return Claim(Action.MANAGE)
        if known.since_s is not None:
            return self._answer(key, known, managed_by)
        if known.asked_s is not None:
            known.asked_s = None
            return self._yield(key, known, managed_by)
        if now_s < known.until_s:
            return Claim(Action.WAIT, known.until_s - now_s)
        known.asked_s = now_s
        return Claim(Action.ASK, ANSWER_S)

    def written(self, key: Key, managed_by: str | None) -> None:
        """After a write of status that name stands there: an answer is given when it is ours. The
        event of that write asks for no reconciliation."""
        known = self._known.get(key)
        if known is not None and managed_by == self._name:
            known.answering = False

    def not_asked(self, key: Key) -> None:
        """The name could not be written: nobody was asked."""
        self._known[key].asked_s = None

    def forget(self, key: Key) -> None:
        self._known.pop(key, None)
        self._yields(key, False)

    def _answer(self, key: Key, known: _Knowledge, other: str) -> Claim:
        now_s = self._clock.now_s()
        if known.answering:
            return Claim(Action.MANAGE)  # our name is not back yet
        known.answers_s = [each for each in known.answers_s if each >= now_s - WITHIN_S]
        # Both may have begun at the same moment: then the smaller name stays.
        together = known.since_s is not None and now_s < known.since_s + ANSWER_S
        if len(known.answers_s) >= MOST_ANSWERS or (together and other < self._name):
            return self._yield(key, known, other)
        known.answers_s.append(now_s)
        known.answering = True
        message = (
            f"installation {other} watches this resource too and wrote to it; {self._name} goes on "
            f"managing it. {REMEDY}"
        )
        return Claim(Action.MANAGE, event_record=EventRecord("Warning", ANSWERED, message))

    def _yield(self, key: Key, known: _Knowledge, other: str) -> Claim:
        known.since_s = None
        known.rest_s = min(2 * known.rest_s, LONGEST_REST_S)
        known.until_s = self._clock.now_s() + known.rest_s
        self._yields(key, True)
        message = (
            f"installation {other} manages this resource; {self._name} watches it too and leaves "
            f"it alone for {known.rest_s / 60:.0f} min. {REMEDY}"
        )
        return Claim(Action.WAIT, known.rest_s, EventRecord("Warning", YIELDED, message))

    def _yields(self, key: Key, does: bool) -> None:
        if does == (key in self._yielded):
            return
        (self._yielded.add if does else self._yielded.discard)(key)
        self._on_change(len(self._yielded))


REMEDY = "Let their watchNamespaces not overlap, or uninstall one"
