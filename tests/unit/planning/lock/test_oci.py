"""A model in an image: mounted by the kubelet, inspected and checked like any mounted folder."""

from __future__ import annotations

from typing import Any

from tests.unit.planning import builders
from tests.unit.planning.world import World

REFERENCE = "registry.example/models/chat@sha256:" + "a" * 64
VOLUME = {"name": "tandem-target", "image": {"reference": REFERENCE}}


def pod_of(workload: dict[str, Any]) -> dict[str, Any]:
    pod_spec: dict[str, Any] = workload["spec"]["template"]["spec"]
    return pod_spec


def test_the_lock_job_and_the_engine_mount_the_image_read_only() -> None:
    world = World(builders.resource({"target.uri": f"oci://{REFERENCE}"})).serve()

    pod = pod_of(world.objects["Deployment", "chat"])
    assert VOLUME in pod["volumes"]
    by_name = {c["name"]: c for c in (*pod["initContainers"], *pod["containers"])}
    for name in ("tandem-fetch", "main"):
        (mount,) = [m for m in by_name[name]["volumeMounts"] if m["name"] == "tandem-target"]
        assert mount["readOnly"] is True
        assert "subPath" not in mount


def test_the_inspection_comes_before_any_pod_of_the_engine() -> None:
    world = World(builders.resource({"target.uri": f"oci://{REFERENCE}"}))
    world.settle()

    (job,) = world.all_of("Job")
    assert VOLUME in pod_of(job)["volumes"]
    assert not world.all_of("Deployment")


def test_pull_secrets_are_the_pods() -> None:
    spec = {"target.uri": f"oci://{REFERENCE}", "imagePullSecrets": ["registry"]}
    world = World(builders.resource(spec))
    world.settle()

    (job,) = world.all_of("Job")
    assert pod_of(job)["imagePullSecrets"] == [{"name": "registry"}]


def test_a_cluster_that_drops_image_volumes_is_told_with_the_remedy() -> None:
    """An API server without the feature takes the Job, and drops the volume without a word."""
    world = World(builders.resource({"target.uri": f"oci://{REFERENCE}"}))
    world.reconcile()
    (job,) = world.all_of("Job")
    pod = pod_of(job)
    pod["volumes"] = [volume for volume in pod["volumes"] if "image" not in volume]
    world.settle()

    assert world.condition("Stalled") == ("True", "UnsupportedCombination")
    for words in ("spec.target.uri", REFERENCE, "ImageVolume", "tandem.dev/refresh"):
        assert words in world.message("Stalled")
    assert not world.all_of("Deployment")
