"""Writes come in the plan's order; each answer is in the store before the next reconciliation."""

from __future__ import annotations

import pytest

from tandem_operator.planning import Apply, PodAnnotation, Remove
from tandem_operator.planning.diff import stamped
from tandem_operator.reconcile.requests.errors import RetryError
from tests.unit.reconcile.scene import SERVICE, Scene, service
from tests.unit.reconcile.world import KEY, Object


def test_an_answer_is_in_the_store_before_the_next_reconciliation(scene: Scene) -> None:
    assert scene.execute(applies=(Apply(service()),))

    assert scene.server.sent == ["apply Service chat"]
    assert [raw["spec"] for raw in scene.stored()] == [{"port": 80}]


def test_the_first_apply_of_a_name_reads_live_and_leaves_what_is_there(scene: Scene) -> None:
    foreign = scene.server.put(service(port=1, labels={}))

    assert scene.execute(applies=(Apply(service()),)), (
        "the next reconciliation judges what was found"
    )
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


def test_a_write_that_changes_nothing_is_not_reconciled_again(scene: Scene) -> None:
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


def test_the_reconciliation_after_the_last_child_tells_the_status(scene: Scene) -> None:
    assert scene.execute(applies=(Apply(service()),), status={"replicas": 1})
    assert "status SpeculativeDeployment chat" not in scene.server.sent

    assert not scene.execute(status={"replicas": 1})
    assert "status SpeculativeDeployment chat" in scene.server.sent


def test_another_installation_is_answered_though_children_are_written(scene: Scene) -> None:
    scene.resource["status"] = {"managedBy": "other/tandem"}
    scene.execute(applies=(Apply(service()),), status={"managedBy": "mine/tandem"})

    assert "status SpeculativeDeployment chat" in scene.server.sent


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


def test_what_somebody_keeps_deleting_is_made_again_with_pauses_and_told(scene: Scene) -> None:
    """A policy that gives each Job a second to live would have one a second."""
    wanted = Apply(service())
    for _ in range(6):
        scene.execute(applies=(wanted,))
        scene.server.objects.pop(("Service", "chat"), None)
        scene.store.forget(KEY, "Service", "chat")
        scene.clock.move(1)

    assert scene.server.sent.count("apply Service chat") == 4, "once, and three repairs"
    (event,) = scene.server.all_of("Event")
    assert (event["type"], event["reason"]) == ("Warning", "ChildDeleted")
    assert event["note"].startswith("somebody keeps deleting Service chat: it is made again in 30")

    scene.clock.move(30)
    scene.execute(applies=(wanted,))
    assert scene.server.get("Service", "chat") is not None


def test_what_the_operator_removed_itself_is_made_again_as_often_as_it_is_wanted(
    scene: Scene,
) -> None:
    for _ in range(6):
        scene.execute(applies=(Apply(service()),))
        live = scene.server.get("Service", "chat")
        assert live is not None
        scene.execute(removes=(Remove(SERVICE, live["metadata"]["uid"]),))

    assert scene.server.sent.count("apply Service chat") == 6
