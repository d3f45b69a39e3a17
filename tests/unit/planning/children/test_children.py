"""Children stand as the newest locked revision says, whatever happens around them."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from tandem_operator.planning.pod import merge as template_merge
from tests.unit.planning import builders
from tests.unit.planning.world import World


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


@pytest.mark.parametrize(
    ("kind", "selector"),
    [
        ("Service", {"app": "theirs"}),
        ("PodDisruptionBudget", {"matchLabels": {"app": "theirs"}}),
        ("PodDisruptionBudget", {"matchExpressions": [{"key": "app", "operator": "Exists"}]}),
    ],
)
def test_a_selector_that_somebody_narrows_is_put_back(kind: str, selector: builders.Object) -> None:
    world = World(builders.resource(replicas=2)).serve()
    child = world.only(kind)
    before = copy.deepcopy(child["spec"]["selector"])
    child["spec"]["selector"] = template_merge.merged(before, selector)

    world.settle()

    assert world.only(kind)["spec"]["selector"] == before


def test_live_fields_change_the_table_and_no_pod() -> None:
    world = World().serve()
    template = world.only("Deployment")["spec"]["template"]
    generation = world.table()["generation"]

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
    current = world.table()
    assert current["generation"] > generation
    assert current["schedule"] == [[1, 256, 1]]
    assert current["maxConcurrency"] == 12
    assert current["constrainedOutput"] == "Allow"
    assert current["segments"] == {"creative": {"maxTokens": 1}}


def test_a_resource_that_is_being_deleted_is_left_to_the_garbage_collector() -> None:
    world = World().serve()
    world.resource["metadata"]["deletionTimestamp"] = builders.stamp(world.now)
    del world.objects["Service", "chat"]

    assert world.settle().writes_nothing
    assert not world.all_of("Service")
