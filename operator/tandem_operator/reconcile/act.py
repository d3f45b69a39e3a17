"""Carries a plan out, in its order, and puts each answer back into the store."""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime
from typing import Any

from tandem_operator.api import names
from tandem_operator.observe.clock import Clock
from tandem_operator.observe.kinds import POD_MONITOR
from tandem_operator.observe.store import Key, Store
from tandem_operator.planning import Apply, Failure, Note, Plan, Poke, Reference, Remove
from tandem_operator.planning.pokes import ANNOTATION_GENERATION
from tandem_operator.reconcile.client import KINDS, Client
from tandem_operator.reconcile.contest import Contests, Rest, contested_at, is_repair
from tandem_operator.reconcile.errors import AbsentError, RefusedError, RetryError
from tandem_operator.reconcile.optional import PodMonitors

Object = dict[str, Any]
LOG = logging.getLogger(__name__)

CONTESTED = "FieldContested"
"""Reason of the Event about a field that is fought over."""


class Actor:
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
        self._identity = identity
        self._failures: dict[Key, dict[Reference, Failure]] = {}
        self._contests = Contests(clock)

    def failures(self, key: Key) -> tuple[Failure, ...]:
        """Writes of the resource's children that the API server refuses."""
        return tuple(self._failures.get(key, {}).values())

    def rest_s(self, key: Key) -> float | None:
        """Seconds until a child that somebody else keeps changing is tried again, if any is."""
        return self._contests.rest_s(key)

    def forget(self, key: Key) -> None:
        self._failures.pop(key, None)
        self._contests.forget(key)

    async def carry_out(self, key: Key, resource: Object, plan: Plan) -> bool:
        """Write what the plan says; returns whether another look is due at once.

        Raises RetryError or NotLeadingError; what was written until then stands. A delete or an
        annotation that is refused raises RetryError at the end: status is told before.
        """
        refusals: list[str] = []
        again = await self._look_up(key, plan.look_up)
        for apply in plan.applies:
            again = await self._apply(key, resource, apply) or again
        for remove in plan.removes:
            try:
                await self._remove(key, remove)
                again = True
            except RefusedError as refused:
                refusals.append(f"delete of {remove.reference.name}: {refused}")
        for poke in plan.pokes:
            try:
                await self._poke(key, poke)
            except RefusedError as refused:
                refusals.append(f"annotation of pod {poke.pod}: {refused}")
        if plan.status is not None:
            await self._status(resource, plan.status)
        for note in plan.notes:
            await self._note(resource, note)
        if refusals:
            raise RetryError("refused: " + "; ".join(refusals))
        return again

    async def _look_up(self, key: Key, references: tuple[Reference, ...]) -> bool:
        changed = False
        for reference in references:
            changed = await self._live(key, reference) or changed
        return changed

    async def _live(self, key: Key, reference: Reference) -> bool:
        """Read one object past the store; returns whether the store changed by it."""
        kind = KINDS[reference.api_version, reference.kind]
        found = await self._client.get(kind, key[0], reference.name)
        held = self._store.object(key, reference.kind, reference.name)
        if found is None:
            self._store.forget(key, reference.kind, reference.name)
            return held is not None
        found = {"apiVersion": reference.api_version, "kind": reference.kind, **found}
        self._store.put(found, key)
        return held is None or _version(found) != _version(held)

    async def _apply(self, key: Key, resource: Object, apply: Apply) -> bool:
        reference = apply.reference
        if apply.uid is None and await self._live(key, reference):
            return True  # the name is taken, by us before a crash or by somebody else: look again
        body = {**apply.body, "metadata": dict(apply.body["metadata"])}
        if apply.uid is not None:
            body["metadata"]["uid"] = apply.uid
        if apply.resource_version is not None:
            body["metadata"]["resourceVersion"] = apply.resource_version
        # Read before the write: its event may be heard before its answer.
        before = self._store.object(key, reference.kind, reference.name)
        if before is not None and is_repair(apply, before):
            rest = self._contests.repair(key, reference)
            if rest is not None:
                await self._give_way(resource, apply, before, rest)
                return False
        try:
            answer = await self._client.apply(body, force=apply.uid is not None)
        except RefusedError as refused:
            self._refused(key, resource, reference, refused)
            return True
        except RetryError as error:
            if isinstance(error, AbsentError) and reference.kind == POD_MONITOR.kind:
                self._pod_monitors.gone()
            await self._live(key, reference)
            raise
        self._failures.get(key, {}).pop(reference, None)
        self._store.put(answer, key)
        if before is not None and _version(before) == _version(answer):
            # Planning sees a difference where the API server sees none: looking again at once
            # would go on for ever.
            LOG.warning("%s %s: the write changed nothing", reference.kind, reference.name)
            return False
        return True

    async def _give_way(self, resource: Object, apply: Apply, held: Object, rest: Rest) -> None:
        """Say once for each rest which field is fought over."""
        if not rest.begins:
            return
        reference = apply.reference
        message = (
            f"{reference.kind} {reference.name}: somebody keeps changing "
            f"{contested_at(held, apply.body)}, which the operator owns. It is left as it is for "
            f"{rest.seconds / 60:.0f} min: find who (kubectl get -o yaml --show-managed-fields) "
            "and stop it"
        )
        LOG.warning("%s", message)
        await self._note(resource, Note("Warning", CONTESTED, message))

    def _refused(
        self, key: Key, resource: Object, reference: Reference, refused: RefusedError
    ) -> None:
        held = self._failures.setdefault(key, {})
        before = held.get(reference)
        LOG.warning("%s %s is refused: %s", reference.kind, reference.name, refused.message)
        held[reference] = Failure(
            reference=reference,
            code=refused.code,
            message=refused.message,
            generation=resource["metadata"]["generation"],
            at=before.at if before is not None and before.code == refused.code else self._now(),
            tried_at=self._now(),
        )

    async def _remove(self, key: Key, remove: Remove) -> None:
        reference = remove.reference
        kind = KINDS[reference.api_version, reference.kind]
        await self._client.delete(kind, key[0], reference.name, remove.uid)
        await self._live(key, reference)

    async def _poke(self, key: Key, poke: Poke) -> None:
        annotations = {ANNOTATION_GENERATION: str(poke.generation)}
        answer = await self._client.annotate_pod(key[0], poke.pod, poke.uid, annotations)
        if answer is not None:
            self._store.put({"apiVersion": "v1", "kind": "Pod", **answer}, key)

    async def _status(self, resource: Object, status: Object) -> None:
        metadata = resource["metadata"]
        body = {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "metadata": {
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "status": status,
        }
        self._store.put_resource(await self._client.apply_status(body))

    async def _note(self, resource: Object, note: Note) -> None:
        """Make an Event. A refused one holds nothing up: what matters stands in status too."""
        try:
            await self._client.create_event(
                resource["metadata"]["namespace"], self._event(resource["metadata"], note)
            )
        except RefusedError as refused:
            LOG.warning("Event %s is refused: %s", note.reason, refused.message)

    def _event(self, metadata: Object, note: Note) -> Object:
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": f"{metadata['name']}.{secrets.token_hex(8)}",
                "namespace": metadata["namespace"],
            },
            "eventTime": self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": note.type,
            "reason": note.reason,
            "note": note.message[:1024],
            "action": "Reconcile",
            "reportingController": "tandem.dev/operator",
            "reportingInstance": self._identity[:128],
            "regarding": {
                "apiVersion": names.API_VERSION,
                "kind": names.KIND,
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
        }

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_s(), UTC)


def _version(item: Object) -> str:
    return str(item["metadata"]["resourceVersion"])
