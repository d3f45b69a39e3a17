"""Writes of children that the API server refuses, until one of the same object succeeds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tandem_operator.clock import Clock
from tandem_operator.cluster.store import Key
from tandem_operator.planning import Failure, Reference
from tandem_operator.reconcile.requests.errors import (
    CONFLICT,
    FINAL_CODES,
    RefusedError,
    RetryError,
)

Object = dict[str, Any]


class FailedWrites:
    """What the API server said of each, and since when."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[Key, dict[Reference, Failure]] = {}

    def of(self, key: Key) -> tuple[Failure, ...]:
        return tuple(self._failures.get(key, {}).values())

    def record(
        self,
        key: Key,
        resource: Object,
        reference: Reference,
        error: RefusedError | RetryError,
        uid: str | None,
    ) -> None:
        """Remember what was said of a write of the object of that UID, if there was one; a conflict
        or a broken connection says nothing."""
        if error.code in (None, CONFLICT):
            return
        failures = self._failures.setdefault(key, {})
        before = failures.get(reference)
        code = error.code or 0
        now = datetime.fromtimestamp(self._clock.now_s(), UTC)
        failures[reference] = Failure(
            reference=reference,
            code=code,
            message=error.message,
            generation=resource["metadata"]["generation"],
            at=before.at if before is not None and _alike(before.code, code) else now,
            tried_at=now,
            uid=uid,
        )

    def over(self, key: Key, reference: Reference) -> None:
        """A write of the object succeeded."""
        self._failures.get(key, {}).pop(reference, None)

    def forget(self, key: Key) -> None:
        self._failures.pop(key, None)


def _alike(before: int, code: int) -> bool:
    """Whether both are final, or both may be over with the next try."""
    return (before in FINAL_CODES) == (code in FINAL_CODES)
