"""deploy/ and crds/: they are what the chart renders, an API server takes them, nothing drifts."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster.binaries import MissingProgramError
from hack.cluster.cluster import Cluster
from hack.gitops import manifests
from hack.prometheus import definitions
from tests.cluster.outside.operators import Operators
from tests.cluster.outside.room import Room
from tests.parts import skip_without
from tests.unit.planning import builders

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy"
OVERLAYS = ("registry", "monitoring", "argocd")

pytestmark = pytest.mark.cluster


def built(cluster: Cluster, folder: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(cluster.run("kustomize", str(folder))) if each]


@pytest.mark.parametrize(
    "path", ["deploy/base/install.yaml", "deploy/overlays/monitoring/monitoring.yaml"]
)
def test_the_manifests_are_what_the_chart_renders(shared_control_plane: Cluster, path: str) -> None:
    text = manifests.texts()[path]

    assert (REPOSITORY / path).read_text() == text, "run `make manifests`"


def test_the_definition_is_its_own_kustomization_and_one_file_for_kubectl(
    shared_control_plane: Cluster,
) -> None:
    (definition,) = built(shared_control_plane, REPOSITORY / "crds")
    (file,) = (REPOSITORY / "crds").glob("*.yaml")

    assert definition == yaml.safe_load(file.read_text())


@pytest.mark.parametrize("folder", ["", *(f"overlays/{name}" for name in OVERLAYS)])
def test_an_api_server_takes_the_folder_and_each_overlay(
    control_plane: Cluster, folder: str
) -> None:
    """Applied in truth: a dry run would miss the namespace that is part of it."""
    if folder.endswith("monitoring"):
        try:
            files = definitions.ensure()
        except MissingProgramError as missing:
            skip_without(missing)
        for file in files:
            control_plane.run("apply", "--server-side", "-f", str(file))
        control_plane.wait_established("crd", "--all")

    control_plane.run("apply", "--server-side", "-k", str(DEPLOY / folder))

    control_plane.wait_established("crd/speculativedeployments.tandem.dev")
    assert drift(control_plane, "-k", str(DEPLOY / folder)) == ""
    (operator,) = [
        each for each in built(control_plane, DEPLOY / folder) if each["kind"] == "Deployment"
    ]
    assert operator["metadata"]["namespace"] == manifests.SYSTEM


def test_the_overlay_of_a_registry_leaves_no_image_without_one(
    shared_control_plane: Cluster,
) -> None:
    text = shared_control_plane.run("kustomize", str(DEPLOY / "overlays" / "registry"))

    for image in ("tandem-operator", "tandem-runtime", "tandem-engine"):
        assert f"registry.example.org/{image}:0.1.0" in text
        assert f" {image}:" not in text


def drift(cluster: Cluster, *what: str) -> str:
    words = [*cluster.kubectl_command(), "diff", "--server-side", "--force-conflicts", *what]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_no_tool_sees_a_difference_after_all_that_the_operator_writes(
    operators: Operators, shared_control_plane: Cluster, room: Room, tmp_path: Path
) -> None:
    """Client-side and server-side: the definition's defaults, status, and all children."""
    file = tmp_path / "chat.yaml"
    manifest = builders.resource({"accelerator": {"resource": "None"}})
    manifest["metadata"] = {"name": room.name, "namespace": room.namespace}
    del manifest["status"]
    file.write_text(yaml.safe_dump(manifest))
    shared_control_plane.run("apply", "--server-side", "-f", str(file))
    room.end_lock(builders.good())
    room.settle(1)

    assert room.resource()["status"]["speculation"]["generation"] >= 0
    assert drift(shared_control_plane, "-f", str(file)) == ""
    words = [*shared_control_plane.kubectl_command(), "diff", "-f", str(file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("folder", ["argocd", "flux"])
def test_the_values_in_the_examples_for_both_tools_are_the_charts(folder: str) -> None:
    known: dict[str, Any] = yaml.safe_load(
        (manifests.ROOT / "charts/tandem/values.yaml").read_text()
    )
    inline_values = [
        each
        for file in sorted((DEPLOY / folder).glob("*.yaml"))
        for each in yaml.safe_load_all(file.read_text())
    ]
    given = [
        values
        for each in inline_values
        for values in (
            each.get("spec", {}).get("values"),
            each.get("spec", {}).get("source", {}).get("helm", {}).get("valuesObject"),
        )
        if values
    ]

    assert given
    for values in given:
        for name, value in values.items():
            assert set(value) <= set(known[name])
