"""What stands in the way is told within one look, and ends when its cause does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem_runtime.contract import report
from tandem_runtime.contract.model_facts import ModelFacts
from tandem_runtime.contract.report import LockFailure
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
    assert plan.look_again_s == 60

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
    assert plan.look_again_s == 60

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


def test_arguments_of_the_operator_are_refused_before_anything_is_made() -> None:
    world = World(builders.resource({"engine.args": ["--port=1"]}))

    world.settle()

    assert world.condition("Stalled") == ("True", "InvalidArguments")
    assert world.names() == set()

    world.edit({"engine.args": []})
    world.settle()
    assert world.condition("Reconciling") == ("True", "Locking")


def test_a_model_that_is_not_there_is_looked_for_every_ten_minutes() -> None:
    world = World()
    world.settle()
    first = world.only("Job")["metadata"]["uid"]

    world.lock_ends(builders.not_found())
    plan = world.settle()
    assert world.condition("Stalled") == ("True", "ModelNotFound")
    assert world.condition("PairCompatible") == ("Unknown", "LockFailed")
    assert plan.look_again_s == 600

    world.pass_time(600)
    world.settle()
    assert world.only("Job")["metadata"]["uid"] != first
    assert world.condition("Stalled") == ("True", "ModelNotFound")

    world.lock_ends(builders.good())
    world.settle()
    assert world.condition("Stalled") is None
    assert world.all_of("Deployment")


def test_a_report_in_a_pod_of_somebody_else_is_not_read() -> None:
    world = World()
    world.settle()

    world.lock_pod("uid-of-another-job", builders.good())
    world.settle()

    assert world.condition("Reconciling") == ("True", "Locking")
    assert not world.all_of("ControllerRevision")


def test_a_pair_that_does_not_fit_the_devices_is_told_with_both_sizes() -> None:
    world = World()
    world.installation = replace(world.installation, memory_bytes={"nvidia.com/gpu": 10_000_000})
    world.settle()

    world.lock_ends(builders.good())
    world.settle()

    assert world.condition("Stalled") == ("True", "InsufficientMemory")
    assert world.condition("PairCompatible") == ("True", "Equal")
    assert not world.all_of("Deployment")

    world.pass_time(61)
    world.settle()
    assert world.condition("Stalled") == ("True", "InsufficientMemory")
    assert world.condition("PairCompatible") == ("True", "Equal")


def test_a_pair_that_the_engine_refuses_never_becomes_pods() -> None:
    """Equal tokenizers, padded to different rows: vLLM compares the rows."""
    world = World()
    world.settle()
    sides = {
        name: builders.side(f"hf://org/{name}", config_vocab_size=rows)
        for name, rows in (("target", 152_064), ("draft", 151_936))
    }
    world.lock_ends(builders.good(reason="PaddedVocab", **sides))
    world.settle()

    assert world.condition("Stalled") == ("True", "UnsupportedCombination")
    assert "use_heterogeneous_vocab: true" in world.message("Stalled")
    assert world.condition("PairCompatible") == ("True", "PaddedVocab")
    assert not world.all_of("Deployment")

    world.edit({"speculation.engineConfig": {"use_heterogeneous_vocab": True}})
    world.settle()
    world.lock_ends(builders.good(reason="PaddedVocab", **sides))
    world.settle()

    assert world.condition("Stalled") is None
    assert world.all_of("Deployment")


def test_what_the_engine_starts_and_is_not_what_one_expects_is_told_with_the_pair() -> None:
    world = World()
    world.settle()
    target = builders.side(facts=ModelFacts(context_length=262_144))
    draft = builders.side("hf://org/draft", facts=ModelFacts(context_length=40_960))
    world.lock_ends(builders.good(target=target, draft=draft))
    world.settle()

    assert world.condition("PairCompatible") == ("True", "Equal")
    assert "the draft ends at 40960 tokens" in world.message("PairCompatible")
    assert "the target serves 262144" in world.message("PairCompatible")


def test_a_live_edit_that_the_engine_cannot_carry_out_is_told_with_its_remedy() -> None:
    world = World(
        builders.resource(
            {"speculation.method": "Suffix", "speculation.constrainedOutput": "Allow"}, draft=None
        )
    )
    world.settle()
    world.lock_ends(builders.good(reason="NoDraft", draft=None))
    world.settle()
    world.roll_out()
    world.settle()
    assert world.condition("Stalled") is None

    world.edit({"speculation.constrainedOutput": "Bypass"})
    world.settle()

    assert world.condition("Stalled") == ("True", "UnsupportedCombination")
    assert "set constrainedOutput: Allow" in world.message("Stalled")
    assert world.condition("PairCompatible") == ("True", "NoDraft")
    assert world.condition("Ready") == ("True", "Serving")
    assert len(world.all_of("ControllerRevision")) == 1

    world.edit({"speculation.constrainedOutput": "Allow"})
    world.settle()

    assert world.condition("Stalled") is None
    assert "candidate" not in world.resource["status"]


def test_a_pair_that_the_policy_skips_says_so_for_as_long_as_it_serves() -> None:
    world = World(builders.resource({"tokenizerLock.policy": "Skip"}))
    world.settle()
    world.lock_ends(replace(builders.wrong(), allowed=True))
    world.settle()
    world.roll_out()
    world.settle()

    assert world.condition("PairCompatible") == ("True", "Skipped")
    assert "Incompatible IdsDiffer" in world.message("PairCompatible")
    assert world.resource["status"]["pair"]["reason"] == "IdsDiffer"


CHANGED = LockFailure("ContentChanged", "draft", "pvc://models/draft: its files are others now")


def ends(world: World, container: str, words: str) -> None:
    """A container of every engine pod ended with these words, and the kubelet waits a while."""
    init = container == "tandem-fetch"
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}
    status = {
        "name": container,
        "ready": False,
        "state": {"waiting": waiting},
        "lastState": {"terminated": {"exitCode": 1, "message": words}},
    }
    for pod in world.engine_pods():
        pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
        pod["status"]["initContainerStatuses" if init else "containerStatuses"] = [status]
    deployment = world.only("Deployment")
    deployment["status"] |= {"readyReplicas": 0, "availableReplicas": 0}


@pytest.mark.parametrize("container", ["tandem-fetch", "main"])
def test_files_that_changed_after_the_lock_are_told_with_their_side(container: str) -> None:
    world = World().serve()
    ends(world, container, report.render(CHANGED))
    world.settle()

    assert world.condition("Stalled") == ("True", "ContentChanged")
    assert "draft: pvc://models/draft: its files are others now" in world.message("Stalled")
    assert world.condition("Ready") == ("False", "WorkloadFailed")

    world.roll_out()
    world.settle()

    assert world.condition("Stalled") is None
    assert world.condition("Ready") == ("True", "Serving")


def test_a_container_that_starts_again_is_still_told_by_its_last_words() -> None:
    world = World().serve()
    ends(world, "main", report.render(CHANGED))
    for pod in world.engine_pods():
        pod["status"]["containerStatuses"][0]["state"] = {"running": {}}
    world.settle()

    assert world.condition("Stalled") == ("True", "ContentChanged")


def test_a_fetch_that_failed_before_it_succeeded_is_no_hindrance() -> None:
    world = World().serve()
    ends(world, "tandem-fetch", report.render(CHANGED))
    for pod in world.engine_pods():
        done = pod["status"]["initContainerStatuses"][0]
        done |= {"ready": True, "state": {"terminated": {"exitCode": 0}}}
    world.settle()

    assert world.condition("Stalled") is None


def test_a_fetch_that_will_be_tried_again_is_told_in_its_words_and_does_not_stall() -> None:
    world = World().serve()
    words = report.render(LockFailure("LockFailed", "target", "the hub cannot be reached"))
    ends(world, "tandem-fetch", words)
    world.settle()

    assert world.condition("Stalled") is None
    message = world.message("Reconciling")
    assert "CrashLoopBackOff: target: the hub cannot be reached" in message
    assert "{" not in message


@pytest.mark.parametrize("words", ["", "CUDA out of memory", '{"version": 1}', "[]", "null"])
def test_other_words_of_an_engine_are_no_word_of_the_lock(words: str) -> None:
    world = World().serve()
    ends(world, "main", words)
    world.settle()

    assert world.condition("Stalled") is None
    assert "CrashLoopBackOff" in world.message("Reconciling")
