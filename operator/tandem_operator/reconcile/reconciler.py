"""One reconciliation: snapshot, plan, writes. Every event ends here and means the same."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tandem_operator.api import names
from tandem_operator.clock import Clock
from tandem_operator.cluster.store import Key, Store
from tandem_operator.planning import Installation, Plan, Snapshot, TuningView
from tandem_operator.planning.children.config_maps import table
from tandem_operator.reconcile.claims import Action, Claim, Claims
from tandem_operator.reconcile.ended_objects import EndedObjects
from tandem_operator.reconcile.executor import Executor
from tandem_operator.reconcile.lock_waiters import LockWaiters
from tandem_operator.reconcile.queue import Queue
from tandem_operator.reconcile.requests.errors import NotLeadingError, RetryError
from tandem_operator.telemetry.decisions import Decisions
from tandem_operator.telemetry.metrics import Metrics

LOG = logging.getLogger(__name__)
Object = dict[str, Any]
Planner = Callable[[Snapshot], Plan]


class Reconciler:
    """Takes keys from the queue while this process leads."""

    def __init__(
        self,
        *,
        store: Store,
        queue: Queue,
        executor: Executor,
        planner: Planner,
        tuning: Callable[[Key], TuningView | None],
        installation: Callable[[], Installation],
        clock: Clock,
        metrics: Metrics,
        claims: Claims,
        blind: Callable[[str], str | None] = lambda namespace: None,
        unserved: Callable[[str], Mapping[str, str]] = lambda namespace: {},
    ) -> None:
        self._store = store
        self._queue = queue
        self._executor = executor
        self._planner = planner
        self._tuning = tuning
        self._installation = installation
        self._clock = clock
        self._metrics = metrics
        self._claims = claims
        self._blind = blind
        self._unserved = unserved
        self._decisions = Decisions(metrics)
        self._lock_waiters = LockWaiters(queue.add)
        self._sightings = EndedObjects()

    async def run(self) -> None:
        """Work until cancelled; the queue says how much at a time."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self.one(await self._queue.take()))

    async def one(self, key: Key) -> None:
        """One reconciliation. Whatever goes wrong, the key comes again and others go on."""
        began_s = self._clock.now_s()
        try:
            again_s = await self._reconcile(key)
        except NotLeadingError as error:
            # Everything is reconciled when this process leads again, if it ever does.
            self._queue.done(key)
            LOG.info("%s/%s is left: %s", *key, error)
            self._metrics.reconciled("retry", self._clock.now_s() - began_s)
        except RetryError as error:
            delay_s = self._queue.failed(key)
            LOG.info("%s/%s again in %.1f s: %s", *key, delay_s, error)
            self._metrics.reconciled("retry", self._clock.now_s() - began_s)
        except Exception:
            # A bug of ours must not end the reconciliations of every other resource.
            delay_s = self._queue.failed(key)
            LOG.exception(
                "the reconciliation of %s/%s failed; again in %.1f s; it saw %s",
                *key,
                delay_s,
                ", ".join(self._seen(key)),
            )
            self._metrics.reconciled("bug", self._clock.now_s() - began_s)
        else:
            self._queue.done(key)
            if again_s is not None:
                self._queue.add_after(key, again_s)
            self._metrics.reconciled("done", self._clock.now_s() - began_s)

    async def _reconcile(self, key: Key) -> float | None:
        resource = self._store.resource(key)
        if resource is None:
            self._executor.forget(key)
            self._claims.forget(key)
            self._sightings.forget(key)
            self._decisions.forget(key)
            self._lock_waiters.see(key, None)
            return None
        claim = self._claims.claim(key, _manager(resource))
        if claim.action is not Action.MANAGE:
            return await self._leave_to_another(key, resource, claim)
        tuning = self._tuning(key)
        plan = self._plan(key, resource, tuning)
        if claim.event_record is not None:
            LOG.warning("%s/%s: %s", *key, claim.event_record.message)
            plan = replace(plan, event_records=(*plan.event_records, claim.event_record))
        if plan.sharing is not None and plan.sharing.by == key[1]:
            # Others may be about to make a Job for the same pair: one at a time, and each sees
            # what the one before it made.
            async with self._lock_waiters.turn(key[0], plan.sharing):
                resource = self._store.resource(key) or resource
                plan = self._plan(key, resource, tuning)
                again_s = await self._executor.execute(key, resource, plan)
        else:
            again_s = await self._executor.execute(key, resource, plan)
        if plan.status is not None:
            self._claims.written(key, _manager(self._store.resource(key)))
        self._lock_waiters.see(key, plan.sharing)
        if tuning is not None:
            self._follow(key, tuning)
        if again_s is not None:
            # What was just written may have opened the next step (a revision before its children).
            return again_s
        due = (plan.requeue_after_s, self._executor.rest_s(key))
        return min((seconds for seconds in due if seconds is not None), default=None)

    async def _leave_to_another(self, key: Key, resource: Object, claim: Claim) -> float | None:
        """Another installation manages the resource, or is asked whether it does."""
        name = self._installation().name
        status = {**(resource.get("status") or {}), "managedBy": name}
        event_records = () if claim.event_record is None else (claim.event_record,)
        for event_record in event_records:
            LOG.warning("%s/%s: %s", *key, event_record.message)
        try:
            asks = claim.action is Action.ASK
            await self._executor.execute(
                key, resource, Plan(status=status if asks else None, event_records=event_records)
            )
        except (RetryError, NotLeadingError):
            self._claims.not_asked(key)
            raise
        due = (claim.again_s, self._executor.rest_s(key))
        return min((seconds for seconds in due if seconds is not None), default=None)

    def _plan(self, key: Key, resource: Object, tuning: TuningView | None) -> Plan:
        objects, now = self._store.objects(key), self._now()
        return self._planner(
            Snapshot(
                resource=resource,
                objects=objects,
                installation=self._installation(),
                now=now,
                tuning=tuning,
                failures=self._executor.failures(key),
                pairs=self._store.pairs(key[0]),
                blind=self._blind(key[0]),
                ends=self._sightings.see(key, resource, objects, now),
                warnings=self._executor.warnings(key),
                unserved=self._unserved(key[0]),
            )
        )

    def _follow(self, key: Key, tuning: TuningView) -> None:
        place = names.speculation_table(key[1], tuning.lock_hash)
        existing = table.observed(self._store.object(key, "ConfigMap", place))
        if existing is not None:
            self._decisions.see(key, existing, tuning, self._now())

    def _seen(self, key: Key) -> list[str]:
        """What a reconciliation of the key sees, by version: bodies may hold what logs must not."""
        resource = self._store.resource(key)
        objects = (*([] if resource is None else [resource]), *self._store.objects(key))
        return [
            f"{each['kind']}/{each['metadata']['name']}@{each['metadata']['resourceVersion']}"
            for each in objects
        ]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_s(), UTC)


def _manager(resource: Object | None) -> str | None:
    """The installation that manages it, by its own word in status."""
    return ((resource or {}).get("status") or {}).get("managedBy")
