"""A write that is refused or fails: what is told of it, and what goes on all the same."""

from __future__ import annotations

import asyncio

import pytest

from tandem_operator.cluster.kinds import POD_MONITOR
from tandem_operator.planning import Apply, EventRecord, PodAnnotation, Remove
from tandem_operator.reconcile.requests.errors import NotLeadingError, RetryError
from tests.unit.reconcile.scene import SERVICE, Scene, service
from tests.unit.reconcile.world import KEY, NAMESPACE


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


def test_a_refused_event_does_not_hold_up_a_reconciliation(scene: Scene) -> None:
    scene.server.refuse["Event"] = (403, "not allowed")
    event_record = EventRecord("Normal", "Locked", "the pair is locked")

    assert not scene.execute(status={}, event_records=(event_record,))
    assert scene.server.sent == ["status SpeculativeDeployment chat"]


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
