"""Stops the operator from writing forever what somebody else keeps changing back.

Used by `Executor` alone. A write is a repair when the object still carries the digest of the very
body that is wanted: the operator wrote it before, and another hand changed a field of it since. It
is one too when the operator made the object, did not remove it, and it is not there.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tandem_operator.clock import Clock
from tandem_operator.cluster.store import Key
from tandem_operator.planning import Apply, EventRecord, Reference, managed_fields
from tandem_operator.planning.diff import Difference, contested, digest_of
from tandem_operator.reconcile.requests.admission import listed
from tandem_operator.reconcile.requests.client import KINDS, Client
from tandem_operator.reconcile.requests.errors import RetryError

Object = dict[str, Any]

CONTESTED = "FieldContested"
DELETED = "ChildDeleted"
"""Reasons of the Events about a field, or an object, that is fought over."""
MOST_REPAIRS = 3
WITHIN_S = 300.0
FIRST_REST_S = 300.0
FIRST_REST_OF_DELETED_S = 30.0
"""Of an object that somebody keeps deleting: without it more is lost than with another value."""
LONGEST_REST_S = 3600.0


@dataclass(frozen=True)
class Rest:
    """No repair for `seconds`; `begins` on the first time that this is answered."""

    seconds: float
    begins: bool


@dataclass
class _Fight:
    repairs_s: deque[float] = field(default_factory=deque)
    rest_s: float = FIRST_REST_S / 2
    until_s: float = 0.0


class ConflictBackoff:
    """Three repairs of one object in five minutes, then rests of 5, 10, 20, 40, 60 minutes, or from
    half a minute on where it is deleted.

    A fight that began no rest for as long as the last one took is over, and the next starts again.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fights: dict[Key, dict[Reference, _Fight]] = {}
        self._made: dict[Key, set[Reference]] = {}

    def made(self, key: Key, reference: Reference) -> None:
        """The operator made the object."""
        self._made.setdefault(key, set()).add(reference)

    def removed(self, key: Key, reference: Reference) -> None:
        """The operator removed it: made again, it is no repair."""
        self._made.get(key, set()).discard(reference)

    def was_made(self, key: Key, reference: Reference) -> bool:
        """Whether the operator made it and did not remove it."""
        return reference in self._made.get(key, ())

    def repair(
        self, key: Key, reference: Reference, first_rest_s: float = FIRST_REST_S
    ) -> Rest | None:
        """None: it may be written now, and is counted. Else how long it is left alone."""
        now_s = self._clock.now_s()
        new = _Fight(rest_s=first_rest_s / 2)
        fight = self._fights.setdefault(key, {}).setdefault(reference, new)
        if now_s < fight.until_s:
            return Rest(fight.until_s - now_s, begins=False)
        if fight.until_s and now_s > fight.until_s + fight.rest_s:
            fight.rest_s, fight.until_s = first_rest_s / 2, 0.0
        while fight.repairs_s and fight.repairs_s[0] < now_s - WITHIN_S:
            fight.repairs_s.popleft()
        if len(fight.repairs_s) < MOST_REPAIRS:
            fight.repairs_s.append(now_s)
            return None
        fight.rest_s = min(2 * fight.rest_s, LONGEST_REST_S)
        fight.until_s = now_s + fight.rest_s
        fight.repairs_s.clear()
        return Rest(fight.rest_s, begins=True)

    def rest_s(self, key: Key) -> float | None:
        """Seconds until the first rest of the resource's children is over; None without one."""
        now_s = self._clock.now_s()
        left = [fight.until_s - now_s for fight in self._fights.get(key, {}).values()]
        return min((seconds for seconds in left if seconds > 0), default=None)

    def forget(self, key: Key) -> None:
        self._fights.pop(key, None)
        self._made.pop(key, None)


def is_repair(apply: Apply, stored: Object | None) -> bool:
    """Whether `stored` is what the operator wrote last, changed by somebody since.

    An object that lost the digest was changed too: somebody takes annotations away.
    """
    if apply.uid is None or stored is None:
        return False
    return digest_of(stored) in (None, digest_of(apply.body))


async def fight_event(
    client: Client, key: Key, apply: Apply, live: Object | None, rest: Rest
) -> EventRecord:
    """What is told as a rest begins: which field is fought over and with whom, or that the object
    is deleted again and again."""
    reference = apply.reference
    if live is None:
        message = (
            f"somebody keeps deleting {reference.kind} {reference.name}: it is made again in "
            f"{rest.seconds:.0f} s; find who and stop it"
        )
        return EventRecord("Warning", DELETED, message)
    differing = contested(live, apply.body)
    who = await _fought_by(client, key, reference, differing)
    message = (
        f"{reference.kind} {reference.name}: {who} keeps "
        f"changing what the operator owns: {listed(differing)}. It is left as it is for "
        f"{rest.seconds / 60:.0f} min: find who (kubectl get -o yaml --show-managed-fields) "
        "and stop it"
    )
    return EventRecord("Warning", CONTESTED, message)


async def _fought_by(
    client: Client, key: Key, reference: Reference, differing: tuple[Difference, ...]
) -> str:
    """Who owns the first field that is fought over, by the API server's own record."""
    try:
        kind = KINDS[reference.api_version, reference.kind]
        live = await client.get(kind, key[0], reference.name)
    except RetryError:
        live = None
    owners = managed_fields.others(live, differing[0].path) if live and differing else ()
    return ", ".join(owners) or "somebody"
