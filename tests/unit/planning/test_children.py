"""Children stand as the newest locked revision says, whatever happens around them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tandem_operator.api import names
from tandem_operator.planning import plan
from tests.unit.planning import builders, kstatus
from tests.unit.planning.builders import Object
from tests.unit.planning.world import World


def table(world: World) -> dict[str, Any]:
    (config_map,) = [
        each
        for each in world.all_of("ConfigMap")
        if each["metadata"]["name"] == f"chat-speculation-{world.lock_hash[:8]}"
    ]
    document: dict[str, Any] = json.loads(config_map["data"]["speculation.json"])
    return document


def test_every_child_is_owned_and_waits_for_the_owner() -> None:
    world = World(builders.resource(replicas=2)).serve()

    for kind, name in list(world.objects):
        child = world.objects[kind, name]
        if kind in ("Pod", "ReplicaSet"):
            continue
        (owner,) = child["metadata"]["ownerReferences"]
        assert owner["uid"] == builders.UID
        assert owner["controller"] is True
        assert owner["blockOwnerDeletion"] is True


def test_selectors_are_exactly_the_two_labels() -> None:
    world = World(builders.resource(replicas=2)).serve()
    labels = {"tandem.dev/deployment": "chat", "tandem.dev/role": "engine"}

    assert world.only("Deployment")["spec"]["selector"] == {"matchLabels": labels}
    assert world.only("Service")["spec"]["selector"] == labels
    assert world.only("PodDisruptionBudget")["spec"]["selector"] == {"matchLabels": labels}
    assert world.resource["status"]["selector"] == (
        "tandem.dev/deployment=chat,tandem.dev/role=engine"
    )


def test_scaling_touches_the_replicas_alone() -> None:
    world = World().serve()
    template = world.only("Deployment")["spec"]["template"]

    world.edit({"replicas": 3})
    world.settle()

    assert world.only("Deployment")["spec"]["replicas"] == 3
    assert world.only("Deployment")["spec"]["template"] == template
    assert world.only("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1

    world.edit({"replicas": 1})
    world.settle()

    assert not world.all_of("PodDisruptionBudget")


def test_a_new_release_rolls_no_pod() -> None:
    world = World().serve()
    template = world.only("Deployment")["spec"]["template"]
    revision = world.only("ControllerRevision")["data"]

    world.installation = replace(
        world.installation, runtime_image="registry.example/tandem-runtime:0.2.0"
    )
    world.settle()

    assert world.only("Deployment")["spec"]["template"] == template
    assert world.only("ControllerRevision")["data"] == revision


@pytest.mark.parametrize(
    "kind", ["Deployment", "Service", "ConfigMap", "PodDisruptionBudget", "ControllerRevision"]
)
def test_a_child_that_somebody_deletes_comes_back(kind: str) -> None:
    world = World(builders.resource(replicas=2)).serve()
    place = next(place for place in world.objects if place[0] == kind)
    before = world.objects.pop(place)

    world.settle()

    after = world.objects[place]
    assert after.get("spec") == before.get("spec") or kind == "ConfigMap"


def test_a_lost_revision_is_locked_again_and_renders_the_same_pods() -> None:
    world = World().serve()
    world.pass_time(61)
    world.settle()
    template = world.only("Deployment")["spec"]["template"]
    del world.objects[next(place for place in world.objects if place[0] == "ControllerRevision")]

    world.settle()
    assert world.condition("Ready") == ("True", "Serving")
    world.lock_ends(builders.good())
    world.settle()

    assert world.only("Deployment")["spec"]["template"] == template
    assert world.condition("Reconciling") is None


def test_a_field_of_ours_that_somebody_changes_is_put_back() -> None:
    world = World().serve()
    world.only("Deployment")["spec"]["template"]["spec"]["containers"][0]["image"] = "evil"
    world.only("Service")["spec"]["ports"][0]["port"] = 8080
    world.only("Service")["metadata"]["labels"]["somebody"] = "else"

    world.settle()

    image = world.only("Deployment")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "vllm/vllm-openai:v0.32.0"
    assert world.only("Service")["spec"]["ports"][0]["port"] == 80


def test_what_others_add_is_left_alone() -> None:
    world = World().serve()
    before = dict(world.writes)
    world.only("Deployment")["metadata"]["labels"]["somebody"] = "else"
    world.only("Deployment")["spec"]["template"]["spec"]["tolerations"] = [{"key": "gpu"}]

    world.settle()

    assert dict(world.writes) == before


def test_a_rejected_candidate_leaves_the_old_pair_whole() -> None:
    world = World().serve()
    template = world.only("Deployment")["spec"]["template"]
    pair = world.resource["status"]["pair"]

    world.edit({"draft.uri": "hf://org/other-draft"})
    world.settle()
    assert world.condition("Ready") == ("True", "Serving")
    assert world.condition("Reconciling") == ("True", "Locking")
    assert len(world.all_of("Job")) == 1

    world.lock_ends(builders.wrong())
    world.settle()

    assert world.condition("Stalled") == ("True", "PairRejected")
    assert world.condition("Ready") == ("True", "Serving")
    assert world.resource["status"]["pair"] == pair
    assert world.resource["status"]["candidate"]["reason"] == "IdsDiffer"

    world.edit({"replicas": 4, "tuning.maxTokens": 0})
    del world.objects["Deployment", "chat"]
    world.settle()

    assert world.only("Deployment")["spec"]["replicas"] == 4
    assert world.only("Deployment")["spec"]["template"] == template
    assert table(world)["enabled"] is False


def test_going_back_to_an_earlier_pair_needs_no_lock() -> None:
    world = World().serve()
    first = world.only("Deployment")["spec"]["template"]
    world.edit({"engine.args": ["--max-model-len=4096"]})
    world.settle()
    world.lock_ends(builders.good())
    world.settle()
    world.roll_out()
    world.settle()
    assert world.only("Deployment")["spec"]["template"] != first

    world.pass_time(120)
    world.edit({"engine.args": None})
    world.settle()
    world.roll_out()
    world.settle()

    assert world.only("Deployment")["spec"]["template"] == first
    assert not world.all_of("Job")
    assert world.condition("Reconciling") is None
    numbers = sorted(raw["revision"] for raw in world.all_of("ControllerRevision"))
    assert numbers == [2, 3]


def test_a_new_pair_is_one_rollout_and_the_old_serves_until_it_is_done() -> None:
    world = World().serve()
    old = world.resource["status"]["pair"]["inputHash"]

    world.edit({"draft.uri": "hf://org/other-draft"})
    world.settle()
    world.lock_ends(builders.good(draft=builders.side("hf://org/other-draft")))
    world.settle()

    status = world.resource["status"]
    assert status["pair"]["inputHash"] == old
    assert status["candidate"]["reason"] == "RollingOut"
    assert len([each for each in world.names() if "speculation" in each]) == 2

    world.roll_out()
    world.settle()

    status = world.resource["status"]
    assert status["pair"]["draft"]["uri"] == "hf://org/other-draft"
    assert "candidate" not in status
    assert len([each for each in world.names() if "speculation" in each]) == 1


def test_live_fields_change_the_table_and_no_pod() -> None:
    world = World().serve()
    template = world.only("Deployment")["spec"]["template"]
    generation = table(world)["generation"]

    world.edit(
        {
            "speculation.initialTokens": 2,
            "speculation.constrainedOutput": "Allow",
            "tuning.thresholds": {"maxConcurrency": 12},
            "tuning.segments": [{"name": "creative", "maxTokens": 1}],
        }
    )
    world.settle()

    assert world.only("Deployment")["spec"]["template"] == template
    assert len(world.all_of("ControllerRevision")) == 1
    current = table(world)
    assert current["generation"] > generation
    assert current["schedule"] == [[1, 256, 1]]
    assert current["maxConcurrency"] == 12
    assert current["constrainedOutput"] == "Allow"
    assert current["segments"] == {"creative": {"maxTokens": 1}}


def test_paused_writes_nothing_to_children_and_still_tells() -> None:
    world = World().serve()
    world.edit({"paused": True, "replicas": 5})
    children = dict(world.writes)

    world.settle()

    written = {key for key, count in world.writes.items() if count != children.get(key)}
    assert written == {("status", "SpeculativeDeployment", "chat")}
    assert world.condition("Paused") == ("True", "ByUser")
    assert world.resource["status"]["observedGeneration"] == 2


def test_a_change_that_waits_for_the_end_of_a_pause_is_not_done() -> None:
    world = World().serve()
    world.edit({"paused": True})
    world.settle()
    assert kstatus.current(world.resource), "nothing waits"

    for change in ({"replicas": 3}, {"replicas": 1, "draft.uri": "hf://org/other"}):
        world.edit(change)
        world.settle()
        assert world.condition("Reconciling") == ("True", "RollingOut")
        assert "paused" in world.message("Reconciling")
        assert world.condition("Paused") == ("True", "ByUser")


def test_a_locked_pair_is_not_done_before_its_pods_are_ready() -> None:
    """Each version that is written on the way is read as kstatus does, see `World.carry_out`."""
    world = World().serve()
    world.edit({"engine.image": "vllm/vllm-openai:v0.33.0"})
    world.settle()
    world.lock_ends(builders.good())
    seen = []
    while not (wanted := world.look()).writes_nothing:
        seen.append(wanted.status is not None and world.condition("Reconciling"))

    assert seen[0] == ("True", "RollingOut"), "the revision is not stored yet"
    world.roll_out()
    world.settle()
    assert kstatus.current(world.resource)


def test_a_write_that_fails_for_a_while_is_told_in_the_servers_words() -> None:
    world = World()
    world.settle()
    world.lock_ends(builders.good())
    words = 'Internal error: failed calling webhook "w.example": connection refused'
    world.refuse["Deployment"] = (500, words)
    world.look()
    world.look()
    assert world.condition("Reconciling") == ("True", "RollingOut"), "it may be over at once"
    assert world.condition("Ready") == ("False", "Starting"), "the pair is locked"

    world.pass_time(5)
    world.look()
    assert world.condition("Reconciling") == ("True", "Retrying")
    assert world.message("Reconciling") == f"Deployment chat cannot be written: {words}"
    assert world.resource["status"]["observedGeneration"] == 1

    world.refuse.clear()
    world.look()
    world.look()
    assert world.condition("Reconciling") == ("True", "RollingOut")


def test_a_failure_of_what_is_no_longer_wanted_is_not_told() -> None:
    world = World()
    world.refuse["Job"] = (500, "no")
    world.look()
    world.pass_time(10)
    world.look()
    assert world.condition("Reconciling") == ("True", "Retrying")

    world.refuse.clear()
    world.edit({"engine.args": ["--port=1"]})
    world.settle()
    assert world.condition("Stalled") == ("True", "InvalidArguments")
    world.edit({"engine.args": None, "draft.uri": "hf://org/other"})
    world.settle()
    assert world.condition("Reconciling") == ("True", "Locking")


def test_where_a_kind_cannot_be_watched_nothing_is_changed_and_stalled_says_so() -> None:
    world = World().serve()
    world.edit({"replicas": 3})
    children = dict(world.writes)
    before = world.condition("Ready")
    seen = replace(world.snapshot(), blind="the operator cannot watch pods: 403: no")
    world.execute(plan(seen))

    assert world.condition("Stalled") == ("True", "WatchRefused")
    assert world.message("Stalled") == "the operator cannot watch pods: 403: no"
    assert world.condition("Ready") == before
    written = {key for key, count in world.writes.items() if count != children.get(key)}
    assert written == {("status", "SpeculativeDeployment", "chat")}


def with_a_field_of_another_release(world: World) -> Object:
    """The revision was made by a release that knew `engine.gear`; the definition dropped it."""
    revision = world.only("ControllerRevision")
    del world.objects["ControllerRevision", revision["metadata"]["name"]]
    revision["data"]["spec"]["engine"]["gear"] = "low"
    digest = revision["data"]["inputHash"] = names.digest(revision["data"]["spec"])
    revision["metadata"]["name"] = f"chat-{digest}"
    world.objects["ControllerRevision", revision["metadata"]["name"]] = revision
    world.resource["status"]["pair"]["inputHash"] = digest
    return revision


def test_a_field_that_is_gone_rolls_no_pod_and_is_told() -> None:
    world = World().serve()
    template = world.only("Deployment")["spec"]["template"]
    with_a_field_of_another_release(world)
    world.settle()

    assert world.all_of("Job") == [] or all("status" in job for job in world.all_of("Job"))
    assert world.only("Deployment")["spec"]["template"] == template
    assert world.condition("Reconciling") is None
    assert "does not know spec.engine.gear" in world.message("Ready")


@pytest.mark.parametrize("change", [{"engine.image": "vllm/vllm-openai:v0.33.0"}, "refresh"])
def test_a_real_change_beside_a_field_that_is_gone_is_carried_out(change: Any) -> None:
    world = World().serve()
    with_a_field_of_another_release(world)
    if change == "refresh":
        world.resource["metadata"]["annotations"] = {"tandem.dev/refresh": "1"}
    else:
        world.edit(change)
    world.settle()

    assert world.condition("Reconciling") == ("True", "Locking")


def test_a_resource_that_is_being_deleted_is_left_to_the_garbage_collector() -> None:
    world = World().serve()
    world.resource["metadata"]["deletionTimestamp"] = builders.stamp(world.now)
    del world.objects["Service", "chat"]

    assert world.settle().writes_nothing
    assert not world.all_of("Service")
