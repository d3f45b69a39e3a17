"""A namespace in memory that carries plans out as an API server would, and its controllers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from tandem_operator.planning import Apply, Failure, Plan, Snapshot, TuningView, ended_objects, plan
from tandem_operator.planning.plan import Reference
from tandem_runtime.contract.report import LockFailure, PairReport
from tests.unit.planning import builders, kstatus, pods
from tests.unit.planning.builders import Object, put, stamp

MOST_RECONCILIATIONS = 12


class World:
    """One resource and everything around it. `settle` reconciles until there is nothing to do."""

    def __init__(self, resource: Object | None = None) -> None:
        self.resource = resource or builders.resource()
        self.objects: dict[tuple[str, str], Object] = {}
        self.now: datetime = builders.START
        self.tuning: TuningView | None = None
        self.installation = builders.INSTALLATION
        self.failures: dict[Reference, Failure] = {}
        self.refuse: dict[str, tuple[int, str]] = {}
        self.writes: Counter[tuple[str, str, str]] = Counter()
        self.event_records: list[str] = []
        self.ends: dict[str, datetime] = {}
        self.warnings: dict[str, str] = {}
        self._serial = 0

    # What the operator does.

    def snapshot(self) -> Snapshot:
        """Everything as it is now, not shared with the world."""
        objects = tuple(builders.copied(raw) for raw in self.objects.values())
        ended = ended_objects.ended(self.resource, objects)
        self.ends = {uid: self.ends.get(uid, self.now) for uid in ended}
        return Snapshot(
            resource=builders.copied(self.resource),
            objects=objects,
            installation=self.installation,
            now=self.now,
            tuning=self.tuning,
            failures=tuple(self.failures.values()),
            ends=dict(self.ends),
            warnings=dict(self.warnings),
        )

    def reconcile(self) -> Plan:
        """One reconciliation, carried out."""
        wanted = plan(self.snapshot())
        self.execute(wanted)
        return wanted

    def settle(self) -> Plan:
        """Reconcile until nothing is written; returns the last, empty plan."""
        first = self.snapshot()
        assert plan(first) == plan(self.snapshot()), "the same snapshot gives the same plan"
        for _ in range(MOST_RECONCILIATIONS):
            wanted = self.reconcile()
            if wanted.writes_nothing:
                return wanted
        raise AssertionError(
            f"still writing after {MOST_RECONCILIATIONS} reconciliations: {wanted}"
        )

    def execute(self, wanted: Plan) -> None:
        """Do the writes in their order."""
        for apply in wanted.applies:
            self._apply(apply)
        for remove in wanted.removes:
            place = (remove.reference.kind, remove.reference.name)
            assert self.objects[place]["metadata"]["uid"] == remove.uid
            del self.objects[place]
            self.writes["remove", *place] += 1
            if remove.reference.kind == "Job":
                self._collect(remove.uid)
        for annotation in wanted.pod_annotations:
            pod = self.objects["Pod", annotation.pod]
            assert pod["metadata"]["uid"] == annotation.uid
            put(pod["metadata"], "annotations", pod["metadata"].get("annotations", {}))
            pod["metadata"]["annotations"]["tandem.dev/table-generation"] = str(
                annotation.generation
            )
            self.writes["poke", "Pod", annotation.pod] += 1
        if wanted.status is not None:
            self.resource["status"] = builders.copied(wanted.status)
            self.resource["metadata"]["managedFields"] = [
                {"manager": "tandem", "subresource": "status", "time": stamp(self.now)}
            ]
            self.writes["status", "SpeculativeDeployment", builders.NAME] += 1
            if kstatus.current(self.resource):
                assert kstatus.done(self.resource, self.objects.values()), "Current too early"
        self.event_records += [event_record.reason for event_record in wanted.event_records]

    def _apply(self, apply: Apply) -> None:
        reference = apply.reference
        place = (reference.kind, reference.name)
        if reference.kind in self.refuse:
            code, message = self.refuse[reference.kind]
            generation = self.resource["metadata"]["generation"]
            self.failures[reference] = Failure(
                reference, code, message, generation, self.now, tried_at=self.now, uid=apply.uid
            )
            return
        self.failures.pop(reference, None)
        existing = self.objects.get(place)
        body = _defaulted(builders.copied(apply.body))
        self.writes["apply", *place] += 1
        if existing is None:
            assert apply.uid is None, f"{place} is gone and was to be changed"
            self.add(body)
            return
        assert apply.uid == existing["metadata"]["uid"], f"{place} is another object"
        if apply.resource_version is not None:
            assert apply.resource_version == existing["metadata"]["resourceVersion"]
        if reference.kind in ("Job", "ControllerRevision"):
            for key in ("spec", "data"):
                assert existing.get(key) == body.get(key), f"{key} of {reference.kind} is immutable"
        changed = existing.get("spec") != body.get("spec")
        kept = {
            key: value for key, value in existing["metadata"].items() if key not in body["metadata"]
        }
        body["metadata"] |= kept
        body["metadata"]["generation"] = existing["metadata"]["generation"] + int(changed)
        body["metadata"]["resourceVersion"] = self._next()
        if "status" in existing:
            body["status"] = existing["status"]
        self.objects[place] = body

    def _next(self) -> str:
        self._serial += 1
        return str(self._serial)

    # What others do.

    def add(self, body: Object) -> Object:
        """An object appears."""
        body["metadata"].setdefault("namespace", builders.NAMESPACE)
        body["metadata"].setdefault("uid", f"uid-{body['kind']}-{self._next()}")
        body["metadata"].setdefault("resourceVersion", self._next())
        body["metadata"].setdefault("generation", 1)
        body["metadata"].setdefault("creationTimestamp", stamp(self.now))
        self.objects[body["kind"], body["metadata"]["name"]] = _defaulted(body)
        return body

    def _collect(self, uid: str) -> None:
        owned = [
            place
            for place, raw in self.objects.items()
            if any(each["uid"] == uid for each in raw["metadata"].get("ownerReferences", []))
        ]
        for place in owned:
            del self.objects[place]

    def edit(self, changes: Object) -> None:
        """The user changes fields of the spec, by dotted path."""
        for path, value in changes.items():
            put(self.resource["spec"], path, value)
        self.resource["metadata"]["generation"] += 1

    def pass_time(self, seconds: float) -> None:
        """The clock moves."""
        self.now += timedelta(seconds=seconds)

    def lock_ends(self, outcome: PairReport | LockFailure) -> None:
        """The Job of the present input ends with this outcome."""
        job = self.only("Job")
        ended = "Complete" if isinstance(outcome, PairReport) else "Failed"
        job["status"] = {
            "conditions": [{"type": ended, "status": "True", "lastTransitionTime": stamp(self.now)}]
        }
        self.lock_pod(job["metadata"]["uid"], outcome)

    def lock_pod(self, controller: str, outcome: PairReport | LockFailure) -> None:
        """A pod controlled by `controller` ended with this termination message."""
        self.add(pods.of_lock(controller, outcome))

    def roll_out(self, ready: int | None = None) -> None:
        """The Deployment's controller replaces all pods by those of the template."""
        deployment = self.objects["Deployment", builders.NAME]
        wanted = deployment["spec"]["replicas"]
        ready = wanted if ready is None else ready
        for place in [place for place in self.objects if place[0] in ("ReplicaSet",)]:
            self._collect(self.objects[place]["metadata"]["uid"])
            del self.objects[place]
        owner = self.add(pods.replica_set(f"{builders.NAME}-{self._next()}", deployment))
        for number in range(wanted):
            self.engine_pod(owner, deployment["spec"]["template"], ready=number < ready)
        deployment["status"] = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": wanted,
            "updatedReplicas": wanted,
            "readyReplicas": ready,
            "availableReplicas": ready,
        }

    def engine_pod(self, owner: Object, template: Object, *, ready: bool) -> Object:
        """A pod of that ReplicaSet."""
        name = f"{owner['metadata']['name']}-{self._next()}"
        return self.add(pods.of_engine(name, owner, template, ready=ready))

    def serve(self) -> World:
        """From nothing to a pair that serves."""
        self.settle()
        self.lock_ends(builders.good())
        self.settle()
        self.roll_out()
        self.settle()
        return self

    # What a test asks.

    def all_of(self, kind: str) -> list[Object]:
        """Objects of a kind."""
        return [raw for (its_kind, _), raw in self.objects.items() if its_kind == kind]

    def only(self, kind: str) -> Object:
        """The one object of a kind."""
        (child,) = self.all_of(kind)
        return child

    def names(self) -> set[str]:
        """Every child as `Kind/name`, without what controllers made."""
        made = ("Pod", "ReplicaSet")
        return {f"{kind}/{name}" for kind, name in self.objects if kind not in made}

    def condition(self, kind: str) -> tuple[str, str] | None:
        """Status and reason of a condition."""
        for each in self.resource["status"].get("conditions", []):
            if each["type"] == kind:
                return each["status"], each["reason"]
        return None

    def message(self, kind: str) -> str:
        """The message of a condition that stands."""
        conditions = self.resource["status"]["conditions"]
        return next(str(each["message"]) for each in conditions if each["type"] == kind)

    def engine_pods(self) -> Iterator[Object]:
        """Pods of the engine."""
        return (
            pod
            for pod in self.all_of("Pod")
            if pod["metadata"].get("labels", {}).get("tandem.dev/role") == "engine"
        )

    def table(self) -> Object:
        """The document that engines of the newest lock read."""
        config_map = self.objects["ConfigMap", f"{builders.NAME}-speculation-{self.lock_hash[:8]}"]
        document: Object = json.loads(config_map["data"]["speculation.json"])
        return document

    @property
    def lock_hash(self) -> str:
        """Hash of the newest revision's lock."""
        newest = max(self.all_of("ControllerRevision"), key=lambda raw: int(raw["revision"]))
        return str(newest["data"]["lock"]["hash"])


def _defaulted(body: Object) -> Object:
    """A few of the API server's defaults and canonical forms."""
    if body["kind"] == "Service":
        body["spec"]["clusterIP"] = "10.0.0.1"
        body["spec"].setdefault("type", "ClusterIP")
    template = body.get("spec", {}).get("template") if body["kind"] == "Deployment" else None
    if template is not None:
        template["spec"].setdefault("dnsPolicy", "ClusterFirst")
        for container in template["spec"]["containers"]:
            container.setdefault("terminationMessagePath", "/dev/termination-log")
            limits = container.get("resources", {}).get("limits", {})
            if limits.get("cpu") == "1000m":
                limits["cpu"] = "1"
    return body
