"""Who leads: the holder of one Lease, which the chart ships.

Safe without agreement about clocks: a challenger waits until it has itself seen the same record
unchanged for a whole lease duration, and the leader stops writing before that can have happened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tandem_operator.clock import Clock
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.reconcile.requests.errors import RefusedError, RetryError

DURATION_S = 15
RENEW_EVERY_S = 5.0
MARGIN_S = 5.0
ASK_EVERY_S = 2.0
LOG = logging.getLogger(__name__)

Record = dict[str, Any]


class LeaseLostError(Exception):
    """Somebody else leads, or there is no Lease: the process must end."""


class Lease:
    """Acquires and renews the Lease; `left_s` is how long a write may take that is sent now."""

    def __init__(
        self, client: Client, namespace: str, name: str, identity: str, clock: Clock
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._clock = clock
        self._deadline_s: float | None = None
        self._seen: tuple[str, float] | None = None
        self._holder = ""

    @property
    def held(self) -> bool:
        """Ours, and the last renewal is fresh enough that nobody else can hold it."""
        return self._deadline_s is not None and self._clock.now_s() < self._deadline_s

    @property
    def left_s(self) -> float:
        """Seconds until somebody else could hold it, `MARGIN_S` at least; 0 while not `held`."""
        if self._deadline_s is None or not self.held:
            return 0.0
        return self._deadline_s + MARGIN_S - self._clock.now_s()

    @property
    def holder(self) -> str:
        """Who led when the Lease was last read."""
        return self._holder

    async def acquire(self) -> None:
        """Wait until the Lease is ours."""
        while not await self._attempt():  # noqa: ASYNC110 (another process changes it, no event)
            await asyncio.sleep(ASK_EVERY_S)
        LOG.info("leading as %s", self._identity)

    async def keep(self, regained: Callable[[], None] = lambda: None) -> None:
        """Renew until cancelled. Raises LeaseLostError when somebody else leads.

        While it cannot be renewed nothing may be written (`left_s` is 0). The process goes on when
        the API server answers again and nobody has taken the Lease: what it knows is still true.
        `regained` is called then: what was to be written meanwhile was not.
        """
        while True:
            was_held = self.held
            await asyncio.sleep(RENEW_EVERY_S if was_held else ASK_EVERY_S)
            try:
                if not await self._attempt():
                    self._deadline_s = None
                    raise LeaseLostError(f"the Lease is held by {self._holder or 'nobody'}")
                if not was_held:
                    LOG.warning("the Lease is renewed: leading again")
                    regained()
            except (RetryError, RefusedError) as error:
                # An API server that has just started refuses everything until it knows the roles.
                if was_held:
                    LOG.warning("the Lease was not renewed: %s", error)
            if was_held and not self.held:
                LOG.warning("the Lease could not be renewed in time: nothing is written")

    async def release(self) -> None:
        """Give it up, so that a standby takes over at once. Best effort."""
        if not self.held:
            return
        self._deadline_s = None
        try:
            record = await self._client.get_lease(self._namespace, self._name)
            if record is not None and _spec(record).get("holderIdentity") == self._identity:
                record["spec"] = {**_spec(record), "holderIdentity": "", "leaseDurationSeconds": 1}
                await self._client.put_lease(self._namespace, self._name, record)
        except RetryError as error:
            LOG.warning("the Lease was not released: %s", error)

    async def _attempt(self) -> bool:
        """One try to take or renew; False while somebody else holds it. Raises RetryError."""
        asked_s = self._clock.now_s()
        record = await self._client.get_lease(self._namespace, self._name)
        if record is None:
            raise LeaseLostError(
                f"Lease {self._namespace}/{self._name} does not exist: the chart makes it"
            )
        spec = _spec(record)
        self._holder = spec.get("holderIdentity") or ""
        if self._holder not in ("", self._identity) and not self._expired(record, asked_s):
            return False
        mine = self._holder == self._identity
        record["spec"] = {
            **spec,
            "holderIdentity": self._identity,
            "leaseDurationSeconds": DURATION_S,
            "renewTime": _micro_time(),
            "acquireTime": spec.get("acquireTime") if mine else _micro_time(),
            "leaseTransitions": int(spec.get("leaseTransitions") or 0) + (0 if mine else 1),
        }
        try:
            await self._client.put_lease(self._namespace, self._name, record)
        except RetryError:
            if mine:
                raise
            return False
        self._holder = self._identity
        # Counted from before the request was sent: the server may have taken it that early.
        self._deadline_s = asked_s + DURATION_S - MARGIN_S
        return True

    def _expired(self, record: Record, now_s: float) -> bool:
        version = record["metadata"]["resourceVersion"]
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, now_s)
        duration_s = float(_spec(record).get("leaseDurationSeconds") or DURATION_S)
        return now_s - self._seen[1] >= duration_s


def _spec(record: Record) -> Record:
    return dict(record.get("spec") or {})


def _micro_time() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
