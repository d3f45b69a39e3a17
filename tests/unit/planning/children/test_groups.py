"""Replicas of several pods: what is made for them and what is told of them."""

from __future__ import annotations

import json
from datetime import timedelta

from tandem_operator.planning import plan
from tandem_operator.planning.children.revisions import revision
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.groups import ALONE, GROUP, GroupWorld


def world(changes: Object | None = None) -> GroupWorld:
    return GroupWorld(builders.resource({**GROUP, **(changes or {})}))


def served(changes: Object | None = None) -> GroupWorld:
    made = world(changes)
    made.serve()
    return made


def main_of(pod: Object) -> Object:
    return next(each for each in pod["spec"]["containers"] if each["name"] == "main")


def test_a_group_is_made_in_the_place_of_a_deployment() -> None:
    there = served()
    (made,) = there.all_of("LeaderWorkerSet")
    assert made["metadata"]["name"] == "chat-group"
    assert there.all_of("Deployment") == []
    template = made["spec"]["leaderWorkerTemplate"]
    assert template["size"] == 2
    leader, worker = template["leaderTemplate"], template["workerTemplate"]
    assert leader["metadata"]["labels"]["tandem.dev/role"] == "engine"
    assert worker["metadata"]["labels"]["tandem.dev/role"] == "worker"
    for pod in (leader, worker):
        assert [each["name"] for each in pod["spec"]["initContainers"]] == ["tandem-fetch"]
        assert main_of(pod)["resources"]["limits"] == {"nvidia.com/gpu": "2"}
    assert "configMap" not in json.dumps(worker["spec"]["volumes"])
    assert there.condition("Ready") == ("True", "Serving")
    assert there.condition("Reconciling") is None


def test_the_users_template_is_for_all_pods_but_its_api_for_leaders() -> None:
    probe = {"httpGet": {"path": "/mine", "port": "http"}}
    there = served(
        {
            "template": {
                "metadata": {"labels": {"team": "search"}},
                "spec": {
                    "nodeSelector": {"zone": "a"},
                    "containers": [
                        {"name": "main", "readinessProbe": probe, "workingDir": "/w"},
                        {"name": "log", "image": "log"},
                    ],
                },
            }
        }
    )
    (made,) = there.all_of("LeaderWorkerSet")
    templates = made["spec"]["leaderWorkerTemplate"]
    leader, worker = templates["leaderTemplate"], templates["workerTemplate"]
    for pod in (leader, worker):
        assert pod["metadata"]["labels"]["team"] == "search"
        assert pod["spec"]["nodeSelector"] == {"zone": "a"}
        assert main_of(pod)["workingDir"] == "/w"
        assert {each["name"] for each in pod["spec"]["containers"]} == {"main", "log"}
    assert main_of(leader)["readinessProbe"]["httpGet"]["path"] == "/mine"
    assert "readinessProbe" not in main_of(worker)


def test_replicas_are_groups() -> None:
    there = world({"replicas": 3})
    there.settle()
    there.lock_ends(builders.good())
    there.settle()
    there.roll_out(ready=2)
    there.settle()
    status = there.resource["status"]
    assert (status["replicas"], status["readyReplicas"]) == (3, 2)
    assert there.condition("Reconciling") == ("True", "RollingOut")
    there.roll_out()
    there.settle()
    assert there.condition("Reconciling") is None
    assert there.resource["status"]["readyReplicas"] == 3


def test_a_ready_worker_is_no_pod_that_serves() -> None:
    there = world()
    there.settle()
    there.lock_ends(builders.good())
    there.settle()
    there.roll_out(ready=0)
    there.settle()
    assert there.condition("Ready") == ("False", "Starting")
    assert "pair" not in there.resource["status"]


def test_a_status_of_an_earlier_generation_is_not_believed() -> None:
    there = served()
    there.objects["LeaderWorkerSet", "chat-group"]["metadata"]["generation"] += 1
    there.settle()
    assert there.condition("Reconciling") == ("True", "RollingOut")


def test_without_the_kind_it_is_told_what_to_install_and_the_lock_waits() -> None:
    there = world()
    there.unserved = {"LeaderWorkerSet": "the cluster does not serve it"}
    there.settle()
    assert there.condition("Stalled") == ("True", "MissingKind")
    message = there.message("Stalled")
    assert "spec.parallelism.pipeline: 2" in message
    assert "install LeaderWorkerSet 0.9 or later" in message
    assert there.all_of("Job") == []
    there.unserved = {}
    there.settle()
    assert there.condition("Stalled") is None
    assert len(there.all_of("Job")) == 1


def test_a_replica_of_one_pod_needs_no_such_kind() -> None:
    there = GroupWorld(builders.resource(ALONE))
    there.unserved = {"LeaderWorkerSet": "the cluster does not serve it"}
    there.serve()
    assert there.condition("Ready") == ("True", "Serving")


def test_a_kind_that_is_lost_under_a_resource_is_told_and_nothing_is_written_of_it() -> None:
    there = served()
    for place in [place for place in there.objects if place[0] in ("LeaderWorkerSet", "Pod")]:
        del there.objects[place]
    there.unserved = {"LeaderWorkerSet": "the cluster does not serve it"}
    before = there.writes["apply", "LeaderWorkerSet", "chat-group"]
    there.settle()
    assert there.condition("Stalled") == ("True", "MissingKind")
    assert there.writes["apply", "LeaderWorkerSet", "chat-group"] == before
    there.unserved = {}
    there.settle()
    assert len(there.all_of("LeaderWorkerSet")) == 1


def test_a_pod_that_is_refused_is_told_from_the_statefulsets_events() -> None:
    there = world()
    there.settle()
    there.lock_ends(builders.good())
    there.settle()
    there.make_leaders(0)
    asked = there.settle().ask
    (leaders,) = there.all_of("StatefulSet")
    assert [each.uid for each in asked] == [leaders["metadata"]["uid"]]
    there.warnings = {leaders["metadata"]["uid"]: "FailedCreate: exceeded quota: few"}
    there.settle()
    assert there.condition("Stalled") == ("True", "InvalidTemplate")
    assert "exceeded quota" in there.message("Stalled")


def test_a_set_that_no_controller_takes_up_is_told() -> None:
    there = world()
    there.settle()
    there.lock_ends(builders.good())
    there.settle()
    assert "chat-group waits for its controller" in there.message("Reconciling")


def test_a_worker_that_cannot_fetch_is_told() -> None:
    there = world()
    there.settle()
    there.lock_ends(builders.good())
    there.settle()
    there.roll_out(ready=0)
    worker = next(pod for pod in there.all_of("Pod") if pod["metadata"]["name"].endswith("-0-1"))
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    worker["status"] = {
        "phase": "Pending",
        "conditions": [],
        "initContainerStatuses": [{"name": "tandem-fetch", "state": waiting}],
    }
    there.settle()
    assert "no such image" in there.message("Reconciling")


def test_a_deadline_passes_without_progress_and_progress_begins_it_anew() -> None:
    there = world({"progressDeadlineSeconds": 600})
    there.settle()
    there.lock_ends(builders.good())
    there.settle()
    there.roll_out(ready=0)
    last = there.settle()
    assert last.requeue_after_s is not None
    assert last.requeue_after_s <= 600
    there.pass_time(601)
    there.settle()
    assert there.condition("Stalled") == ("True", "ProgressDeadlineExceeded")
    assert "600 s" in there.message("Stalled")
    there.roll_out()
    there.settle()
    assert there.condition("Stalled") is None
    assert there.condition("Ready") == ("True", "Serving")


def test_groups_of_a_deadline_are_not_counted_while_they_serve() -> None:
    there = served()
    there.pass_time(timedelta(days=9).total_seconds())
    last = there.settle()
    assert there.condition("Stalled") is None
    assert last.requeue_after_s is None


def test_a_foreign_set_is_never_taken_over() -> None:
    there = world()
    there.add(
        {
            "apiVersion": "leaderworkerset.x-k8s.io/v1",
            "kind": "LeaderWorkerSet",
            "metadata": {"name": "chat-group"},
            "spec": {"leaderWorkerTemplate": {"leaderTemplate": {"metadata": {}}}},
        }
    )
    there.settle()
    there.lock_ends(builders.good())
    there.settle()
    assert there.condition("Stalled") == ("True", "NameConflict")


def test_an_orphaned_set_is_taken_up_with_its_pods() -> None:
    there = served()
    made = there.only("LeaderWorkerSet")
    del made["metadata"]["ownerReferences"]
    there.settle()
    assert there.only("LeaderWorkerSet")["metadata"]["ownerReferences"][0]["uid"] == builders.UID


def test_a_release_that_knows_no_groups_does_not_see_their_revisions() -> None:
    there = served()
    assert there.only("ControllerRevision")["data"]["version"] == revision.OF_GROUPS
    alone = GroupWorld(builders.resource(ALONE))
    alone.serve()
    assert alone.only("ControllerRevision")["data"]["version"] == revision.FORMAT


def test_a_paused_resource_keeps_what_stands() -> None:
    there = GroupWorld(builders.resource(ALONE))
    there.serve()
    there.edit({"paused": True, "accelerator.count": None})
    there.settle()
    assert len(there.workloads()) == 1
    assert plan(there.snapshot()).applies == ()
