"""What stands in the way is told within one reconciliation, and ends when its cause does."""

from __future__ import annotations

from tandem_operator.api import names
from tests.unit.planning import builders
from tests.unit.planning.world import World


def foreign(kind: str, name: str, api_version: str = "v1") -> builders.Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": {}}


def test_a_foreign_object_of_a_childs_name_is_never_taken_over() -> None:
    world = World()
    world.add(foreign("Service", "chat"))
    world.settle()
    world.lock_ends(builders.good())

    plan = world.settle()

    assert world.condition("Stalled") == ("True", "NameConflict")
    assert "Service chat exists and does not belong to this resource" in world.message("Stalled")
    assert world.only("Service")["spec"] == {"clusterIP": "10.0.0.1", "type": "ClusterIP"}
    assert [each.name for each in plan.look_up] == ["chat"]

    del world.objects["Service", "chat"]
    world.settle()

    assert world.condition("Stalled") is None
    assert "ports" in world.only("Service")["spec"]


def test_labels_alone_do_not_make_an_object_ours() -> None:
    world = World().serve()
    metadata = world.only("Service")["metadata"]
    del metadata["ownerReferences"], metadata["annotations"]

    world.settle()

    assert world.condition("Stalled") == ("True", "NameConflict")


def test_no_pod_is_made_while_its_table_cannot_stand() -> None:
    world = World()
    world.settle()
    world.lock_ends(builders.good())
    lock_hash = World().serve().lock_hash
    world.add(foreign("ConfigMap", f"chat-speculation-{lock_hash[:8]}"))

    world.settle()

    assert not world.all_of("Deployment")
    assert world.condition("Stalled") == ("True", "NameConflict")


def test_an_object_of_an_earlier_resource_of_the_name_is_waited_for() -> None:
    world = World()
    old = foreign("Deployment", "chat", "apps/v1")
    old["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "tandem.dev/v1alpha1",
            "kind": "SpeculativeDeployment",
            "name": "chat",
            "uid": "uid-of-an-earlier-chat",
            "controller": True,
        }
    ]
    old["spec"] = {"template": {"spec": {"containers": []}}}
    world.add(old)
    world.settle()
    world.lock_ends(builders.good())

    plan = world.settle()
    assert world.condition("Reconciling") == ("True", "WaitingForDeletion")
    assert plan.requeue_after_s == 60

    del world.objects["Deployment", "chat"]
    world.settle()
    assert world.condition("Reconciling") == ("True", "RollingOut")


def test_pods_that_are_refused_are_told_at_once() -> None:
    world = World().serve()
    world.edit({"engine.args": ["--max-model-len=4096"]})
    world.settle()
    world.lock_ends(builders.good())
    world.settle()
    world.only("Deployment")["status"]["conditions"] = [
        {
            "type": "ReplicaFailure",
            "status": "True",
            "reason": "FailedCreate",
            "message": "exceeded quota: gpus",
        }
    ]

    world.settle()

    assert world.condition("Stalled") == ("True", "InvalidTemplate")
    assert "exceeded quota: gpus" in world.message("Stalled")
    assert world.condition("Ready") == ("True", "Serving")


def test_a_refused_write_is_told_and_not_repeated_in_a_hurry() -> None:
    world = World()
    world.settle()
    world.lock_ends(builders.good())
    world.refuse = {"Deployment": (422, "spec.template.spec.nodeSelector: not a map")}

    plan = world.settle()

    assert world.condition("Stalled") == ("True", "InvalidTemplate")
    assert "nodeSelector: not a map" in world.message("Stalled")
    assert plan.requeue_after_s == 60

    world.refuse = {}
    world.pass_time(60)
    world.settle()
    assert world.condition("Stalled") is None


def test_a_missed_deadline_is_told_with_what_the_pod_waits_for() -> None:
    world = World()
    world.settle()
    world.lock_ends(builders.good())
    world.settle()
    world.roll_out(ready=0)
    world.only("Deployment")["status"]["conditions"] = [
        {
            "type": "Progressing",
            "status": "False",
            "reason": "ProgressDeadlineExceeded",
            "message": "no progress for 3600 s",
        }
    ]
    (pod,) = world.engine_pods()
    pod["status"]["containerStatuses"] = [
        {
            "name": "main",
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}},
        }
    ]

    world.settle()

    assert world.condition("Stalled") == ("True", "ProgressDeadlineExceeded")
    assert "ImagePullBackOff: no such image" in world.message("Stalled")
    assert world.condition("Ready") == ("False", "WorkloadFailed")


def test_a_deployment_that_somebody_paused_is_told_with_the_command_that_ends_it() -> None:
    world = World().serve()
    deployment = world.only("Deployment")
    deployment["spec"]["paused"] = True
    world.settle()
    assert world.condition("Reconciling") is None, "nothing waits for it yet"

    deployment["status"]["updatedReplicas"] = 0
    world.settle()

    assert world.condition("Ready") == ("True", "Serving")
    resumes = f"kubectl rollout resume deployment/chat -n {builders.NAMESPACE}"
    assert f"somebody paused Deployment chat: {resumes}" in world.message("Reconciling")
    assert world.only("Deployment")["spec"]["paused"], "it is theirs to end"


def test_a_child_that_a_finalizer_holds_back_is_ours_and_its_finalizer_is_named() -> None:
    world = World().serve()
    metadata = world.only("Service")["metadata"]
    metadata |= {"deletionTimestamp": "2026-01-02T03:04:05Z", "finalizers": ["lb.example/drain"]}

    world.settle()
    assert world.message("Reconciling") == "Service chat is still being deleted"

    world.pass_time(60)
    world.settle()
    assert world.condition("Stalled") == ("True", "NameConflict")
    assert "finalizers (lb.example/drain)" in world.message("Stalled")


def test_a_refusal_is_of_the_object_that_stood_and_ends_with_it() -> None:
    world = World().serve()
    place = names.speculation_table(builders.NAME, world.lock_hash)
    words = "data: Forbidden: field is immutable when `immutable` is set"
    world.refuse = {"ConfigMap": (422, words)}
    speculation = {**world.resource["spec"]["speculation"], "initialTokens": 1}
    world.edit({"tuning": {"mode": "Fixed"}, "speculation": speculation})
    world.settle()
    assert f"{words}; it is made anew once it is gone: " in world.message("Stalled")
    assert f"kubectl delete configmap {place}" in world.message("Stalled")

    world.refuse = {}
    del world.objects["ConfigMap", place]
    world.settle()

    assert world.condition("Stalled") is None
    assert ("ConfigMap", place) in world.objects


def test_words_of_an_event_that_are_longer_than_status_takes_are_cut() -> None:
    world = World()
    world.settle()
    world.pass_time(70)
    world.warnings[world.only("Job")["metadata"]["uid"]] = "FailedCreate: " + "no. " * 2000

    world.settle()

    assert "FailedCreate: no. no." in world.message("Reconciling")
    assert len(world.resource["status"]["candidate"]["message"]) == 4096
