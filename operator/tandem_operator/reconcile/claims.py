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


class Stand(Enum):
    """What may be done about a resource."""

    MANAGE = auto()
    ASK = auto()
    """Write our name into status, and nothing else."""
    WAIT = auto()


@dataclass(frozen=True)
class Claim:
    """``again_s``: seconds until the next reconciliation; ``note`` is to be told as an Event."""

    stand: Stand
    again_s: float | None = None
    event_record: EventRecord | None = None


@dataclass
class _Held:
    since_s: float | None = None
    asked_s: float | None = None
    rest_s: float = FIRST_REST_S / 2
    until_s: float = 0.0
    answers_s: list[float] = field(default_factory=list)
    answering: bool = False


class Claims:
    """What this process knows of who manages what; `name` is the installation's own."""

    def __init__(
        self, name: str, clock: Clock, told: Callable[[int], None] = lambda yielded: None
    ) -> None:
        self._name = name
        self._clock = clock
        self._told = told
        self._held: dict[Key, _Held] = {}
        self._yielded: set[Key] = set()

    def judge(self, key: Key, managed_by: str | None) -> Claim:
        """What to do about a resource in whose status that name stands."""
        held = self._held.setdefault(key, _Held())
        now_s = self._clock.now_s()
        if managed_by is None or managed_by == self._name:
            if held.asked_s is not None and managed_by is not None:
                left_s = held.asked_s + ANSWER_S - now_s
                if left_s > 0:
                    return Claim(Stand.WAIT, left_s)
            held.asked_s, held.answering = None, False
            held.since_s = now_s if held.since_s is None else held.since_s
            self._yields(key, False)
            return Claim(Stand.MANAGE)
        if held.since_s is not None:
            return self._answer(key, held, managed_by)
        if held.asked_s is not None:
            held.asked_s = None
            return self._yield(key, held, managed_by)
        if now_s < held.until_s:
            return Claim(Stand.WAIT, held.until_s - now_s)
        held.asked_s = now_s
        return Claim(Stand.ASK, ANSWER_S)

    def not_asked(self, key: Key) -> None:
        """The name could not be written: nobody was asked."""
        self._held[key].asked_s = None

    def forget(self, key: Key) -> None:
        self._held.pop(key, None)
        self._yields(key, False)

    def _answer(self, key: Key, held: _Held, other: str) -> Claim:
        now_s = self._clock.now_s()
        if held.answering:
            return Claim(Stand.MANAGE)  # our name is not back yet
        held.answers_s = [each for each in held.answers_s if each >= now_s - WITHIN_S]
        # Both may have begun at the same moment: then the smaller name stays.
        together = held.since_s is not None and now_s < held.since_s + ANSWER_S
        if len(held.answers_s) >= MOST_ANSWERS or (together and other < self._name):
            return self._yield(key, held, other)
        held.answers_s.append(now_s)
        held.answering = True
        message = (
            f"installation {other} watches this resource too and wrote to it; {self._name} goes on "
            f"managing it. {REMEDY}"
        )
        return Claim(Stand.MANAGE, event_record=EventRecord("Warning", ANSWERED, message))

    def _yield(self, key: Key, held: _Held, other: str) -> Claim:
        held.since_s = None
        held.rest_s = min(2 * held.rest_s, LONGEST_REST_S)
        held.until_s = self._clock.now_s() + held.rest_s
        self._yields(key, True)
        message = (
            f"installation {other} manages this resource; {self._name} watches it too and leaves "
            f"it alone for {held.rest_s / 60:.0f} min. {REMEDY}"
        )
        return Claim(Stand.WAIT, held.rest_s, EventRecord("Warning", YIELDED, message))

    def _yields(self, key: Key, does: bool) -> None:
        if does == (key in self._yielded):
            return
        (self._yielded.add if does else self._yielded.discard)(key)
        self._told(len(self._yielded))


REMEDY = "Let their watchNamespaces not overlap, or uninstall one"
