"""Labels and annotations of the user's, and what the small containers may be told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.world import World

KINDS = {
    "ControllerRevision",
    "ConfigMap",
    "Service",
    "PodDisruptionBudget",
    "Deployment",
}
TEMPLATE = {
    "metadata": {
        "labels": {"team": "ml", "kueue.x-k8s.io/queue-name": "gpus"},
        "annotations": {"sidecar.istio.io/inject": "false", "prometheus.io/scrape": "true"},
    }
}


def locked(**spec: Any) -> World:
    world = World(builders.resource(replicas=2, **spec))
    world.settle()
    world.lock_ends(builders.good())
    world.settle()
    return world


def metadata_of(world: World) -> dict[str, Object]:
    return {kind: raw["metadata"] for (kind, _), raw in world.objects.items() if kind != "Pod"}


def test_every_child_has_the_labels_and_annotations_of_the_template() -> None:
    world = locked(template=TEMPLATE)

    metadata_by_kind = metadata_of(world)
    assert metadata_by_kind.keys() == KINDS | {"Job"}
    for kind, metadata in metadata_by_kind.items():
        assert metadata["labels"]["team"] == "ml", kind
        assert metadata["annotations"]["sidecar.istio.io/inject"] == "false", kind
        assert ("prometheus.io/scrape" in metadata["annotations"]) == (kind != "Service")


def test_the_lock_pod_has_them_too() -> None:
    world = World(builders.resource(template=TEMPLATE))
    world.settle()

    pod = world.only("Job")["spec"]["template"]["metadata"]
    assert pod["labels"]["team"] == "ml" and pod["labels"]["tandem.dev/role"] == "lock"
    assert pod["annotations"] == TEMPLATE["metadata"]["annotations"]


def test_common_metadata_stands_on_children_and_lock_pods_and_rolls_no_engine() -> None:
    world = World(builders.resource(replicas=2, template=TEMPLATE)).serve()
    template = world.only("Deployment")["spec"]["template"]

    world.edit({"commonMetadata": {"labels": {"team": "search"}, "annotations": {"cost": "1"}}})
    world.settle()

    for kind, metadata in metadata_of(world).items():
        if kind in KINDS:
            assert metadata["labels"]["team"] == "search", kind
            assert metadata["annotations"]["cost"] == "1", kind
    assert world.only("Deployment")["spec"]["template"] == template
    assert world.condition("Reconciling") is None

    world.edit({"engine.args": ["--max-model-len=4096"]})
    world.settle()
    assert {"team": "search"}.items() <= (
        world.only("Job")["spec"]["template"]["metadata"]["labels"].items()
    )


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"tandem.dev/role": "lock"}},
        {"labels": "no map"},
        {"labels": {"number": 1}, "annotations": ["no map"]},
    ],
)
def test_what_is_no_label_of_the_users_is_not_inherited(metadata: Object) -> None:
    world = World(builders.resource(replicas=2)).serve()
    world.edit({"template": {"metadata": metadata}})

    world.settle()

    for kind, child_metadata in metadata_of(world).items():
        if kind in KINDS - {"ControllerRevision"}:
            assert "number" not in child_metadata["labels"]
            assert child_metadata["labels"].get("tandem.dev/role") in (None, "engine")


def test_labels_of_the_resource_itself_are_nobodys_but_its_own() -> None:
    """Tools that track what they applied by a label would take the children for theirs."""
    world = World(builders.resource(replicas=2))
    world.resource["metadata"]["labels"] = {"argocd.argoproj.io/instance": "chat"}
    world.serve()

    assert not any(
        "argocd.argoproj.io/instance" in metadata["labels"]
        for kind, metadata in metadata_of(world).items()
        if kind in KINDS
    )


def fetch(world: World) -> Object:
    container: Object = world.only("Deployment")["spec"]["template"]["spec"]["initContainers"][0]
    return container


def test_no_user_id_is_demanded_of_a_namespace_that_gives_its_own() -> None:
    world = locked()

    assert "runAsUser" not in fetch(world)["securityContext"]
    assert fetch(world)["securityContext"]["runAsNonRoot"] is True


def test_an_engine_that_runs_as_root_makes_no_root_of_the_fetching_container() -> None:
    world = locked(template={"spec": {"securityContext": {"runAsUser": 0}}})

    assert fetch(world)["securityContext"]["runAsUser"] == 65532


def test_the_administrator_says_resources_and_security_context() -> None:
    world = World()
    world.installation = replace(
        world.installation,
        lock_resources={"limits": {"cpu": "1", "memory": "512Mi"}},
        fetch_resources={"limits": {"cpu": "8", "memory": "8Gi"}},
        security_context={"runAsUser": 1000660000, "seccompProfile": None},
    )
    world.settle()
    lock = world.only("Job")["spec"]["template"]["spec"]["containers"][0]
    world.lock_ends(builders.good())
    world.settle()

    assert lock["resources"] == {"limits": {"cpu": "1", "memory": "512Mi"}}
    assert fetch(world)["resources"] == {"limits": {"cpu": "8", "memory": "8Gi"}}
    for container in (lock, fetch(world)):
        assert container["securityContext"]["runAsUser"] == 1000660000
        assert "seccompProfile" not in container["securityContext"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_both_kinds_of_limits_stand_so_that_a_quota_admits_the_containers() -> None:
    world = World()
    world.settle()

    lock = world.only("Job")["spec"]["template"]["spec"]["containers"][0]
    assert lock["resources"]["limits"].keys() == {"cpu", "memory"}
