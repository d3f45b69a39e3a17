"""A plan is carried out in its order, and each answer is in the store before the next
reconciliation."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from tandem_operator.cluster.kinds import POD_MONITOR
from tandem_operator.cluster.store import Store
from tandem_operator.planning import Apply, EventRecord, Plan, PodAnnotation, Reference, Remove
from tandem_operator.planning.diff import stamped
from tandem_operator.reconcile.executor import Executor
from tandem_operator.reconcile.pod_monitors import PodMonitors
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.reconcile.requests.errors import NotLeadingError, RetryError
from tests.unit.reconcile.world import KEY, NAMESPACE, HandClock, Hands, Object, Server

SERVICE = Reference("v1", "Service", "chat")


class Scene:
    """An actor, its store, and the server that it writes to."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.server = Server()
        self.hands = Hands(self.server)
        self.store = Store()
        client = cast(Client, self.hands)
        self.monitors = PodMonitors(client, self.store, ())
        self.executor = Executor(client, self.store, self.clock, "one", self.monitors)
        self.resource = self.server.put(
            {
                "apiVersion": "tandem.dev/v1alpha1",
                "kind": "SpeculativeDeployment",
                "metadata": {"name": "chat", "generation": 1},
            }
        )

    def execute(self, **plan: Any) -> bool:
        """Whether another look is due at once."""
        return asyncio.run(self.executor.execute(KEY, self.resource, Plan(**plan)))

    def stored(self) -> list[Object]:
        return list(self.store.objects(KEY))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def service(port: int = 80, **metadata: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "chat", "namespace": NAMESPACE, **metadata},
        "spec": {"port": port},
    }


def test_an_answer_is_in_the_store_before_the_next_look(scene: Scene) -> None:
    assert scene.execute(applies=(Apply(service()),))

    assert scene.server.sent == ["apply Service chat"]
    assert [raw["spec"] for raw in scene.stored()] == [{"port": 80}]


def test_the_first_apply_of_a_name_looks_live_and_leaves_what_is_there(scene: Scene) -> None:
    foreign = scene.server.put(service(port=1, labels={}))

    assert scene.execute(applies=(Apply(service()),)), "the next look judges what was found"
    assert scene.server.sent == []
    assert scene.stored() == [foreign]


def test_a_change_names_the_object_that_it_is_for(scene: Scene) -> None:
    existing = scene.server.put(service())
    scene.store.put(existing, KEY)
    other = Apply(service(port=81), uid="another")

    with pytest.raises(RetryError, match="uid"):
        scene.execute(applies=(other,))

    assert scene.server.sent == []
    assert scene.execute(applies=(Apply(service(port=81), uid=existing["metadata"]["uid"]),))
    assert [each["spec"] for each in scene.stored()] == [{"port": 81}]


def test_after_a_conflict_the_store_holds_what_stands(scene: Scene) -> None:
    existing = scene.server.put(service())
    scene.store.put(existing, KEY)
    scene.server.put(service(port=99))
    stale = existing["metadata"]
    guarded = Apply(service(81), uid=stale["uid"], resource_version=stale["resourceVersion"])

    with pytest.raises(RetryError, match="resourceVersion"):
        scene.execute(applies=(guarded,))

    assert [each["spec"] for each in scene.stored()] == [{"port": 99}]


def test_a_write_that_changes_nothing_is_not_looked_at_again(scene: Scene) -> None:
    existing = scene.server.put(service())
    scene.store.put(existing, KEY)

    assert not scene.execute(applies=(Apply(service(), uid=existing["metadata"]["uid"]),))


def test_a_write_whose_event_comes_before_its_answer_is_a_change(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    existing = scene.server.put(service())
    scene.store.put(existing, KEY)
    write = scene.server.write

    def write_and_tell(verb: str, body: Object) -> Object:
        answer = write(verb, body)
        scene.store.put(answer, KEY)
        return answer

    monkeypatch.setattr(scene.server, "write", write_and_tell)

    assert scene.execute(applies=(Apply(service(81), uid=existing["metadata"]["uid"]),))


def test_a_refused_write_is_a_failure_with_its_times_until_one_succeeds(scene: Scene) -> None:
    scene.server.refuse["Service"] = (422, "spec.port: too large")
    scene.execute(applies=(Apply(service()),))
    scene.clock.move(30)
    scene.execute(applies=(Apply(service()),))

    (failure,) = scene.executor.failures(KEY)
    assert (failure.reference, failure.code, failure.generation) == (SERVICE, 422, 1)
    assert failure.message == "spec.port: too large"
    assert failure.tried_at is not None
    assert (failure.at.timestamp(), failure.tried_at.timestamp()) == (1_000, 1_030)

    scene.server.refuse.clear()
    scene.execute(applies=(Apply(service()),))
    assert scene.executor.failures(KEY) == ()


def test_a_refused_child_does_not_hold_up_the_status(scene: Scene) -> None:
    scene.server.refuse["Service"] = (403, "quota")
    scene.execute(applies=(Apply(service()),), status={"replicas": 1})

    assert scene.server.sent == ["status SpeculativeDeployment chat"]
    stored = scene.store.resource(KEY)
    assert stored is not None
    assert stored["status"] == {"replicas": 1}


def test_what_needs_a_write_that_was_refused_is_not_written(scene: Scene) -> None:
    scene.server.refuse["ControllerRevision"] = (403, "quota")
    kept = {**service(), "apiVersion": "apps/v1", "kind": "ControllerRevision"}
    revision = Apply(kept)
    scene.execute(applies=(revision, Apply(service(), needs=revision.reference)))

    assert scene.server.get("Service", "chat") is None


def test_the_look_after_the_last_child_tells_the_status(scene: Scene) -> None:
    assert scene.execute(applies=(Apply(service()),), status={"replicas": 1})
    assert "status SpeculativeDeployment chat" not in scene.server.sent

    assert not scene.execute(status={"replicas": 1})
    assert "status SpeculativeDeployment chat" in scene.server.sent


def test_another_installation_is_answered_though_children_are_written(scene: Scene) -> None:
    scene.resource["status"] = {"managedBy": "other/tandem"}
    scene.execute(applies=(Apply(service()),), status={"managedBy": "mine/tandem"})

    assert "status SpeculativeDeployment chat" in scene.server.sent


def test_a_refused_event_does_not_hold_up_a_look(scene: Scene) -> None:
    scene.server.refuse["Event"] = (403, "not allowed")
    event_record = EventRecord("Normal", "Locked", "the pair is locked")

    assert not scene.execute(status={}, event_records=(event_record,))
    assert scene.server.sent == ["status SpeculativeDeployment chat"]


def test_only_the_object_that_was_meant_is_removed(scene: Scene) -> None:
    existing = scene.server.put(service())
    scene.store.put(existing, KEY)
    with pytest.raises(RetryError):
        scene.execute(removes=(Remove(SERVICE, "another"),))
    assert scene.server.get("Service", "chat") == existing

    assert scene.execute(removes=(Remove(SERVICE, existing["metadata"]["uid"]),))
    assert scene.stored() == []


def test_what_nobody_watches_is_looked_up(scene: Scene) -> None:
    existing = scene.server.put(service(labels={}))
    assert scene.execute(look_up=(SERVICE,)), "something new was found"
    assert scene.stored() == [existing]
    assert not scene.execute(look_up=(SERVICE,)), "the same as before"

    scene.server.objects.clear()
    assert scene.execute(look_up=(SERVICE,)), "it is gone"
    assert scene.stored() == []


def test_a_pod_that_is_gone_is_not_poked(scene: Scene) -> None:
    scene.execute(pod_annotations=(PodAnnotation("gone", "1", 4),))

    assert scene.server.sent == []


def test_a_word_that_is_taken_from_a_pod_is_not_given_again(scene: Scene) -> None:
    """Its kubelet was woken; a tool that strips annotations starts no endless exchange."""
    pod = scene.server.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "chat-1"}})
    for generation in (4, 4, 5):
        scene.execute(
            pod_annotations=(PodAnnotation("chat-1", pod["metadata"]["uid"], generation),)
        )
        scene.server.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "chat-1"}})

    assert scene.server.sent == ["annotate Pod chat-1"] * 2


def test_status_is_told_although_a_child_cannot_be_written(scene: Scene) -> None:
    scene.server.fail["Service"] = (500, 'failed calling webhook "w"')

    with pytest.raises(RetryError, match="failed calling webhook"):
        scene.execute(applies=(Apply(service()),), status={"replicas": 1})

    assert scene.server.sent == ["status SpeculativeDeployment chat"]
    (failure,) = scene.executor.failures(KEY)
    assert (failure.reference, failure.code) == (SERVICE, 500)
    assert failure.message == 'failed calling webhook "w"'


def test_a_failure_lasts_from_its_first_try_until_the_write_is_taken(scene: Scene) -> None:
    began = scene.clock.now_s()
    for code in (500, 504, 500):
        scene.server.fail["Service"] = (code, "no")
        with pytest.raises(RetryError):
            scene.execute(applies=(Apply(service()),))
        scene.clock.move(10)
    (failure,) = scene.executor.failures(KEY)
    assert failure.at.timestamp() == began

    scene.server.fail.clear()
    scene.execute(applies=(Apply(service()),))
    assert scene.executor.failures(KEY) == ()


@pytest.mark.parametrize("code", [409, None])
def test_a_conflict_or_a_broken_connection_is_no_failure_to_tell(
    scene: Scene, code: int | None
) -> None:
    scene.server.fail["Service"] = (code, "somebody was faster")
    with pytest.raises(RetryError):
        scene.execute(applies=(Apply(service()),))

    assert scene.executor.failures(KEY) == ()


def test_nothing_more_is_written_in_a_namespace_that_goes(scene: Scene) -> None:
    scene.store.put_resource(scene.resource)
    scene.server.leaving = True
    event_record = EventRecord("Normal", "Locked", "the pair is locked")
    for replicas in range(5):
        scene.execute(status={"replicas": replicas})
    assert scene.executor.rest_s(KEY) is not None, "a status waits for its time"
    scene.server.sent.clear()
    for _ in range(3):
        assert not scene.execute(
            applies=(Apply(service()),), status={}, event_records=(event_record,)
        )
    assert scene.server.refusals == 1, "the first answer is enough"
    assert scene.executor.rest_s(KEY) is None
    assert scene.server.sent == []

    scene.server.leaving = False
    del scene.server.objects["SpeculativeDeployment", "chat"]
    scene.resource = scene.server.put({**scene.resource, "metadata": {"name": "chat"}})
    scene.resource["metadata"]["generation"] = 1
    scene.store.put_resource(scene.resource)
    assert scene.execute(applies=(Apply(service()),)), "the namespace came back, with another"


def test_a_deposed_leader_writes_nothing(scene: Scene) -> None:
    scene.hands.leads = False

    with pytest.raises(NotLeadingError):
        scene.execute(applies=(Apply(service()),), status={})

    assert scene.server.sent == []


def test_a_field_that_is_fought_over_is_left_and_told_once(scene: Scene) -> None:
    wanted = stamped(service())
    scene.store.put(scene.server.put(wanted), KEY)

    for _ in range(5):
        taken = scene.server.put({**wanted, "spec": {"port": 1}})
        scene.store.put(taken, KEY)
        scene.execute(applies=(Apply(wanted, uid=taken["metadata"]["uid"]),))

    assert scene.server.sent.count("force Service chat") == 3
    (event,) = [raw for (kind, _), raw in scene.server.objects.items() if kind == "Event"]
    assert (event["type"], event["reason"]) == ("Warning", "FieldContested")
    assert (
        "Service chat: somebody keeps changing what the operator owns: spec.port: wanted 80, is 1"
        in event["note"]
    )
    assert scene.executor.rest_s(KEY) == 300

    another = stamped(service(port=8080))
    scene.execute(applies=(Apply(another, uid=taken["metadata"]["uid"]),))
    scene.execute(status={})
    assert "status SpeculativeDeployment chat" in scene.server.sent
    assert scene.server.objects["Service", "chat"]["spec"] == {"port": 8080}, (
        "a new wish is written"
    )


def test_a_refused_delete_does_not_hold_up_the_status(scene: Scene) -> None:
    existing = scene.server.put(service())
    scene.server.refuse["Service"] = (403, "not allowed")

    with pytest.raises(RetryError, match="delete of chat: 403: not allowed"):
        scene.execute(
            removes=(Remove(SERVICE, existing["metadata"]["uid"]),), status={"replicas": 1}
        )

    assert scene.server.sent == ["status SpeculativeDeployment chat"]


def test_a_refused_annotation_does_not_hold_up_the_status(scene: Scene) -> None:
    pod = scene.server.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "chat-1"}})
    scene.server.refuse["Pod"] = (403, "a webhook said no")

    with pytest.raises(RetryError, match="annotation of pod chat-1: 403: a webhook said no"):
        scene.execute(
            pod_annotations=(PodAnnotation("chat-1", pod["metadata"]["uid"], 4),),
            status={"replicas": 1},
        )

    assert scene.server.sent == ["status SpeculativeDeployment chat"]


def test_a_kind_that_is_gone_is_not_wanted_again_until_it_is_found(scene: Scene) -> None:
    scene.server.served = {POD_MONITOR}
    asyncio.run(scene.monitors.refresh())
    scene.server.served = set()
    monitor = {
        "apiVersion": POD_MONITOR.api_version,
        "kind": POD_MONITOR.kind,
        "metadata": {"name": "chat", "namespace": NAMESPACE},
    }

    with pytest.raises(RetryError, match="404"):
        scene.execute(applies=(Apply(monitor),))

    assert not scene.monitors.served


def test_what_admission_made_of_a_write_is_said_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = scene.server.write

    def changed(verb: str, body: Object) -> Object:
        return write(verb, {**body, "spec": {"port": 1}} if body["kind"] == "Service" else body)

    monkeypatch.setattr(scene.server, "write", changed)
    for _ in range(2):
        scene.execute(applies=(Apply(stamped(service()), uid=scene_uid(scene)),))

    (event,) = [raw for (kind, _), raw in scene.server.objects.items() if kind == "Event"]
    assert (event["type"], event["reason"]) == ("Normal", "ChangedByAdmission")
    assert "Service chat" in event["note"] and "spec.port: wanted 80, is 1" in event["note"]


def scene_uid(scene: Scene) -> str | None:
    existing = scene.server.objects.get(("Service", "chat"))
    return None if existing is None else str(existing["metadata"]["uid"])
