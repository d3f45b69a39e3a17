"""Several resources in several namespaces, reconciled from one store as the operator does."""

from __future__ import annotations

from datetime import datetime, timedelta

from tandem_operator.cluster.store import Key, Store
from tandem_operator.planning import Plan, Snapshot, plan
from tandem_operator.reconcile.ended_objects import EndedObjects
from tandem_runtime.contract import report as pair_report
from tandem_runtime.contract.report import LockFailure, PairReport
from tests.unit.planning import builders
from tests.unit.planning.builders import Object, stamp

COMMIT = "0" * 39 + "1"
PINNED = {"target.revision": COMMIT, "draft.revision": COMMIT}
LOCKS = ("Job", "ControllerRevision")
MOST_ROUNDS = 12


class Namespaces:
    """Several resources, what the operator makes of them, and the store that it reads."""

    def __init__(self) -> None:
        self.store = Store()
        self.installation = builders.INSTALLATION
        self.now: datetime = builders.START
        self.jobs_made: list[Key] = []
        self._sightings = EndedObjects()
        self._serial = 0

    def add(
        self, name: str, changes: Object | None = None, namespace: str = builders.NAMESPACE
    ) -> Key:
        """A resource appears."""
        raw = builders.resource({**PINNED, **(changes or {})})
        raw["metadata"] |= {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}"}
        return self.store.put_resource(self._stamped(raw))

    def edit(self, key: Key, changes: Object) -> None:
        raw = builders.copied(self._resource(key))
        for path, value in changes.items():
            builders.put(raw["spec"], path, value)
        raw["metadata"]["generation"] += 1
        self.store.put_resource(self._stamped(raw))

    def delete(self, key: Key) -> None:
        """A resource goes, and all that it owns with it."""
        stored = self._resource(key)
        self.store.drop_resource(self._stamped(builders.copied(stored)))
        for child in self.store.objects(key):
            self.store.forget(key, child["kind"], child["metadata"]["name"])

    def plan(self, key: Key) -> Plan:
        resource, objects = self._resource(key), self.store.objects(key)
        return plan(
            Snapshot(
                resource=resource,
                objects=objects,
                installation=self.installation,
                now=self.now,
                pairs=self.store.pairs(key[0]),
                ends=self._sightings.see(key, resource, objects, self.now),
            )
        )

    def reconcile(self, key: Key) -> Plan:
        """One reconciliation, carried out, but for the children of a locked revision."""
        wanted = self.plan(key)
        for apply in wanted.applies:
            if apply.reference.kind not in LOCKS:
                continue
            body = builders.copied(apply.body)
            stored = self.store.object(key, body["kind"], body["metadata"]["name"])
            if stored is None and body["kind"] == "Job":
                self.jobs_made.append(key)
            body["metadata"]["uid"] = (
                f"uid-{self._serial}" if stored is None else stored["metadata"]["uid"]
            )
            self.store.put(self._stamped(body))
        for remove in wanted.removes:
            self.store.forget(key, remove.reference.kind, remove.reference.name)
            self._collect(key, remove.uid)
        if wanted.status is not None:
            raw = {**builders.copied(self._resource(key)), "status": wanted.status}
            self.store.put_resource(self._stamped(raw))
        return wanted

    def reconcile_all(self) -> None:
        for key in self.store.known():
            self.reconcile(key)

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def restart(self) -> None:
        """A new operator: what stands in the API server is all that it knows."""
        before, self.store = self.store, Store()
        self._sightings = EndedObjects()
        for key in before.known():
            self.store.put_resource(before.resource(key) or {})
            for raw in before.objects(key):
                self.store.put(raw)

    def job_ends(self, key: Key, outcome: PairReport | LockFailure) -> None:
        """The resource's Job ends, and its pod says so."""
        (job,) = self.pending(key)
        ended = "Complete" if isinstance(outcome, PairReport) else "Failed"
        body = builders.copied(job)
        body["status"] = {
            "conditions": [{"type": ended, "status": "True", "lastTransitionTime": stamp(self.now)}]
        }
        self.store.put(self._stamped(body))
        terminated = {"exitCode": 0, "message": pair_report.render(outcome)}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{job['metadata']['name']}-pod",
                "namespace": key[0],
                "labels": job["spec"]["template"]["metadata"]["labels"],
                "ownerReferences": [
                    {"kind": "Job", "uid": job["metadata"]["uid"], "controller": True}
                ],
                "uid": f"uid-pod-{self._serial}",
            },
            "status": {
                "containerStatuses": [{"name": "tandem-lock", "state": {"terminated": terminated}}]
            },
        }
        self.store.put(self._stamped(pod))

    def pending(self, key: Key) -> list[Object]:
        """The resource's Jobs that have not ended."""
        objects = self.store.objects(key)
        return [each for each in objects if each["kind"] == "Job" and "status" not in each]

    def settle(self) -> None:
        """Reconcile all until nobody has anything to write."""
        for _ in range(MOST_ROUNDS):
            plans = [self.reconcile(key) for key in self.store.known()]
            if not any(_writes(each) for each in plans):
                return
        raise AssertionError(f"still writing after {MOST_ROUNDS} rounds")

    def locked(self, key: Key) -> bool:
        """Whether the resource has a revision of its own."""
        return any(raw["kind"] == "ControllerRevision" for raw in self.store.objects(key))

    def condition(self, key: Key, kind: str) -> tuple[str, str]:
        conditions = self._resource(key)["status"]["conditions"]
        return next((each["status"], each["reason"]) for each in conditions if each["type"] == kind)

    def message(self, key: Key, kind: str) -> str:
        conditions = self._resource(key)["status"]["conditions"]
        return next(
            str(condition["message"]) for condition in conditions if condition["type"] == kind
        )

    def _collect(self, key: Key, uid: str) -> None:
        for raw in self.store.objects(key):
            owners = raw["metadata"].get("ownerReferences", [])
            if any(owner["uid"] == uid for owner in owners):
                self.store.forget(key, raw["kind"], raw["metadata"]["name"])

    def _resource(self, key: Key) -> Object:
        stored = self.store.resource(key)
        assert stored is not None
        return stored

    def _stamped(self, raw: Object) -> Object:
        self._serial += 1
        raw["metadata"]["resourceVersion"] = str(self._serial)
        raw["metadata"].setdefault("creationTimestamp", stamp(self.now))
        return raw


def _writes(wanted: Plan) -> bool:
    """Whether there is more to do about the lock."""
    locks = [each for each in wanted.applies if each.reference.kind in LOCKS]
    return bool(locks or wanted.removes or wanted.status is not None)
