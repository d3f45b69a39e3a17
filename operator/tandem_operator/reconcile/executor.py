"""Carries a plan out, in its order, and puts each answer back into the store."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from tandem_operator.clock import Clock
from tandem_operator.cluster.kinds import POD_MONITOR
from tandem_operator.cluster.store import Key, Store
from tandem_operator.planning import (
    Apply,
    Failure,
    Plan,
    Reference,
    Remove,
)
from tandem_operator.reconcile.failed_writes import FailedWrites
from tandem_operator.reconcile.pod_monitors import PodMonitors
from tandem_operator.reconcile.queue import TOGETHER_S
from tandem_operator.reconcile.requests.admission import Admission
from tandem_operator.reconcile.requests.client import KINDS, Client
from tandem_operator.reconcile.requests.conflict_backoff import (
    FIRST_REST_OF_DELETED_S,
    FIRST_REST_S,
    ConflictBackoff,
    Rest,
    fight_event,
    is_repair,
)
from tandem_operator.reconcile.requests.errors import (
    AbsentError,
    LeavingError,
    RefusedError,
    RetryError,
)
from tandem_operator.reconcile.requests.events import EventRecorder
from tandem_operator.reconcile.requests.pod_annotations import PodAnnotations
from tandem_operator.reconcile.requests.status import StatusWriter
from tandem_operator.reconcile.requests.warnings import Warnings
from tandem_operator.workloads.kinds import KINDS as WORKLOADS

Object = dict[str, Any]
LOG = logging.getLogger(__name__)


class Executor:
    """The only writer of children, status, pod annotations and Events."""

    def __init__(
        self,
        client: Client,
        store: Store,
        clock: Clock,
        identity: str,
        pod_monitors: PodMonitors,
    ) -> None:
        self._client = client
        self._store = store
        self._pod_monitors = pod_monitors
        self._clock = clock
        self._status = StatusWriter(client, store, clock)
        self._events = EventRecorder(client, clock, identity)
        self._leaving: dict[Key, str] = {}
        self._failures = FailedWrites(clock)
        self._conflicts = ConflictBackoff(clock)
        self._warnings = Warnings(client, clock)
        self._admission = Admission()
        self._annotations = PodAnnotations(client, store)

    def failures(self, key: Key) -> tuple[Failure, ...]:
        """Writes of the resource's children that the API server refuses."""
        return self._failures.of(key)

    def warnings(self, key: Key) -> Mapping[str, str]:
        """Words of Events about what the resource's last plan asked, by UID."""
        return self._warnings.words(key)

    def rest_s(self, key: Key) -> float | None:
        """Seconds until a child that somebody else keeps changing is tried again, or a status or
        an Event is written that was too early, or Events are read again."""
        if key in self._leaving:
            return None
        due = (
            self._conflicts.rest_s(key),
            self._status.due_s(key),
            self._events.due_s(key),
            self._warnings.due_s(key),
        )
        return min((seconds for seconds in due if seconds is not None), default=None)

    @property
    def undeclared(self) -> int:
        """How many fields of status the definition lacks: it is another release's."""
        return len(self._status.undeclared)

    def forget(self, key: Key) -> None:
        self._failures.forget(key)
        self._status.forget(key)
        self._events.forget(key)
        self._leaving.pop(key, None)
        self._warnings.forget(key)
        self._admission.forget(key)
        self._annotations.forget(key)
        self._conflicts.forget(key)

    async def execute(self, key: Key, resource: Object, plan: Plan) -> float | None:
        """Write what the plan says; returns the seconds until what came of it is reconciled.

        Raises RetryError or NotLeadingError; what was written until then stands. Status is told
        even where a child cannot be written. Nothing is written in a namespace that goes.
        """
        if self._leaving.get(key) == resource["metadata"]["uid"]:
            return None
        self._leaving.pop(key, None)
        try:
            return await self._execute(key, resource, plan)
        except LeavingError as leaving:
            self._leave(key[0], leaving)
            return None

    async def _execute(self, key: Key, resource: Object, plan: Plan) -> float | None:
        troubles: list[str] = []
        unwritten: set[Reference] = set()
        again = await self._children(key, resource, plan, troubles, unwritten)
        status_written = plan.status is None
        if again and not (troubles or unwritten) and _is_manager(resource, plan):
            # Status is told by the reconciliation that follows, and what a workload's controllers
            # make of it within moments with it.
            workload = any(each.reference.kind in WORKLOADS for each in plan.applies)
            return TOGETHER_S if workload else 0.0
        if plan.status is None:
            self._status.settled(key)
        else:
            try:
                status_written = await self._status.write(key, resource, plan.status)
            except RefusedError as refused:
                troubles.append(f"status: {refused}")
        # Transitions are seen again by the reconciliation that writes the status, and told then.
        for event_record in plan.event_records if status_written else ():
            await self._events.record(resource, event_record)
        await self._events.bring_up_to_date(key)
        again = await self._warnings.read(key, plan.ask) or again
        if troubles:
            raise RetryError("; ".join(troubles))
        return 0.0 if again else None

    async def _children(
        self,
        key: Key,
        resource: Object,
        plan: Plan,
        troubles: list[str],
        unwritten: set[Reference],
    ) -> bool:
        """Whether another reconciliation is due at once. A write that fails ends the rest."""
        again = False
        try:
            again = await self._look_up(key, plan.look_up)
            for apply in plan.applies:
                if apply.needs in unwritten:
                    unwritten.add(apply.reference)
                    continue
                again = await self._apply(key, resource, apply, unwritten) or again
        except (RefusedError, RetryError) as error:
            troubles.append(str(error))
            return again
        for remove in plan.removes:
            try:
                await self._remove(key, remove)
                again = True
            except (RefusedError, RetryError) as error:
                self._failures.record(key, resource, remove.reference, error, remove.uid)
                troubles.append(f"delete of {remove.reference.name}: {error}")
        for annotation in plan.pod_annotations:
            try:
                await self._annotations.write(key, annotation)
            except (RefusedError, RetryError) as error:
                troubles.append(f"annotation of pod {annotation.pod}: {error}")
        return again

    def _leave(self, namespace: str, leaving: LeavingError) -> None:
        """Its resources are left alone from now on. One that is made after it came back has
        another UID."""
        LOG.info("namespace %s is left alone: %s", namespace, leaving)
        for key in self._store.known():
            stored = self._store.resource(key)
            if key[0] == namespace and stored is not None:
                self._leaving[key] = stored["metadata"]["uid"]

    async def _look_up(self, key: Key, references: tuple[Reference, ...]) -> bool:
        changed = False
        for reference in references:
            changed = await self._live(key, reference) or changed
        return changed

    async def _live(self, key: Key, reference: Reference) -> bool:
        """Read one object past the store; returns whether the store changed by it."""
        kind = KINDS[reference.api_version, reference.kind]
        live = await self._client.get(kind, key[0], reference.name)
        stored = self._store.object(key, reference.kind, reference.name)
        if live is None:
            self._store.forget(key, reference.kind, reference.name)
            return stored is not None
        live = {"apiVersion": reference.api_version, "kind": reference.kind, **live}
        self._store.put(live, key)
        return stored is None or _version(live) != _version(stored)

    async def _apply(
        self, key: Key, resource: Object, apply: Apply, unwritten: set[Reference]
    ) -> bool:
        """Whether another reconciliation is due at once; `unwritten` gets what was not written."""
        reference = apply.reference
        if apply.uid is None and await self._live(key, reference):
            unwritten.add(reference)
            return True  # the name is taken, by us before a crash or by somebody else
        body = {**apply.body, "metadata": dict(apply.body["metadata"])}
        if apply.uid is not None:
            body["metadata"]["uid"] = apply.uid
        if apply.resource_version is not None:
            body["metadata"]["resourceVersion"] = apply.resource_version
        # Read before the write: its event may be heard before its answer.
        before = self._store.object(key, reference.kind, reference.name)
        deleted = before is None and self._conflicts.was_made(key, reference)
        if deleted or is_repair(apply, before):
            first_s = FIRST_REST_OF_DELETED_S if deleted else FIRST_REST_S
            rest = self._conflicts.repair(key, reference, first_s)
            if rest is not None:
                if deleted:
                    unwritten.add(reference)
                await self._give_way(key, resource, apply, before, rest)
                return False
        try:
            answer = await self._client.apply(body, force=apply.uid is not None)
        except RefusedError as refused:
            LOG.warning("%s %s is refused: %s", reference.kind, reference.name, refused.message)
            self._failures.record(key, resource, reference, refused, apply.uid)
            unwritten.add(reference)
            return True
        except RetryError as error:
            self._failures.record(key, resource, reference, error, apply.uid)
            if isinstance(error, AbsentError) and reference.kind == POD_MONITOR.kind:
                self._pod_monitors.gone()
            await self._live(key, reference)
            raise
        self._failures.over(key, reference)
        self._conflicts.made(key, reference)
        self._store.put(answer, key)
        changed = self._admission.event_record(key, apply, answer)
        if changed is not None:
            LOG.info("%s", changed.message)
            await self._events.record(resource, changed)
        if before is not None and _version(before) == _version(answer):
            # Planning sees a difference where the API server sees none: reconciling again at
            # once would go on forever.
            LOG.warning("%s %s: the write changed nothing", reference.kind, reference.name)
            return False
        return True

    async def _give_way(
        self, key: Key, resource: Object, apply: Apply, live: Object | None, rest: Rest
    ) -> None:
        """Say once for each rest what is fought over."""
        if not rest.begins:
            return
        event_record = await fight_event(self._client, key, apply, live, rest)
        LOG.warning("%s", event_record.message)
        await self._events.record(resource, event_record)

    async def _remove(self, key: Key, remove: Remove) -> None:
        reference = remove.reference
        kind = KINDS[reference.api_version, reference.kind]
        self._conflicts.removed(key, reference)
        await self._client.delete(kind, key[0], reference.name, remove.uid)
        self._failures.over(key, reference)
        await self._live(key, reference)


def _is_manager(resource: Object, plan: Plan) -> bool:
    """Whether nobody else says in status that it manages the resource: that is answered at once."""
    name = (resource.get("status") or {}).get("managedBy")
    return plan.status is None or name in (None, plan.status.get("managedBy"))


def _version(item: Object) -> str:
    return str(item["metadata"]["resourceVersion"])
