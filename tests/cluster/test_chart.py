"""The Helm chart against a real API server: install, upgrade, uninstall, reinstall, rights."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster.cluster import Cluster

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "charts" / "tandem"
CRD = "speculativedeployments.tandem.dev"
NAMESPACE = "tandem-system"

Helm = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.cluster


@pytest.fixture
def helm(control_plane: Cluster) -> Helm:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                str(control_plane.helm),
                f"--kubeconfig={control_plane.kubeconfig}",
                f"--namespace={NAMESPACE}",
                *words,
            ],
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def install(helm: Helm, chart: Path, *words: str) -> None:
    done = helm("upgrade", "--install", "--create-namespace", "tandem", str(chart), *words)
    assert done.returncode == 0, done.stderr


def rendered(helm: Helm, *words: str) -> list[dict[str, Any]]:
    done = helm("template", "tandem", str(CHART), *words)
    assert done.returncode == 0, done.stderr
    return [raw for raw in yaml.safe_load_all(done.stdout) if raw]


def previous_chart(folder: Path) -> Path:
    """The chart of the commit before the newest one that changed it."""
    words = ["git", "log", "--format=%H", "-2", "--", "charts/tandem"]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    commits = done.stdout.split()
    if done.returncode or len(commits) < 2:
        pytest.skip("no history: the previous chart is not known")
    packed = subprocess.run(
        ["git", "archive", commits[1], "charts/tandem"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "charts" / "tandem"


def test_resources_outlive_upgrade_uninstall_and_reinstall(
    control_plane: Cluster, helm: Helm, tmp_path: Path
) -> None:
    install(helm, previous_chart(tmp_path))
    control_plane.run("wait", "--for=condition=Established", f"crd/{CRD}", "--timeout=30s")
    control_plane.make_namespace("tandem-demo")
    control_plane.apply((REPOSITORY / "examples" / "demo" / "chat.yaml").read_text())
    words = ("get", "specdep", "chat", "-n", "tandem-demo", "-o", "jsonpath={.metadata.uid}")
    uid = control_plane.run(*words)

    install(helm, CHART)
    assert control_plane.run(*words) == uid

    done = helm("uninstall", "tandem")
    assert done.returncode == 0, done.stderr
    assert control_plane.run(*words) == uid
    assert "tandem" not in control_plane.run("get", "deployments", "-n", NAMESPACE, "-o", "name")

    install(helm, CHART)
    assert control_plane.run(*words) == uid


def test_a_pipeline_may_bring_the_definition_itself(helm: Helm) -> None:
    kinds = {raw["kind"] for raw in rendered(helm, "--set=crds.install=false")}

    assert "Deployment" in kinds
    assert "CustomResourceDefinition" not in kinds


def test_the_shipped_definition_is_the_generated_one() -> None:
    generated = next((REPOSITORY / "crds").glob("*.yaml")).read_text()

    assert (CHART / "files" / "crd.yaml").read_text() == generated


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("replica=3", "replica"),
        ("replicas=many", "replicas"),
        ("metrics.prometheus.url=prometheus", "/metrics/prometheus/url"),
        ("logging.level=loud", "level"),
        ("logging.format=xml", "format"),
        ("watchNamespaces[0]=Not_A_Name", "watchNamespaces"),
    ],
)
def test_a_wrong_value_is_refused_by_name(helm: Helm, setting: str, words: str) -> None:
    done = helm("template", "tandem", str(CHART), f"--set={setting}")

    assert done.returncode != 0
    assert words in done.stderr


def test_the_operator_runs_under_the_restricted_profile(helm: Helm) -> None:
    (deployment,) = [raw for raw in rendered(helm) if raw["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_operator_may_do_its_work_and_no_more(control_plane: Cluster, helm: Helm) -> None:
    install(helm, CHART)
    who = f"--as=system:serviceaccount:{NAMESPACE}:tandem"

    def may(verb: str, what: str, *more: str, namespace: str = "default") -> bool:
        words = [*control_plane.kubectl_command(), "auth", "can-i", verb, what, who, *more]
        done = subprocess.run(
            [*words, "-n", namespace], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() == "yes"

    allowed = [
        ("patch", "speculativedeployments.tandem.dev", "--subresource=status"),
        ("update", "speculativedeployments.tandem.dev", "--subresource=finalizers"),
        ("patch", "deployments.apps"),
        ("delete", "jobs.batch"),
        ("patch", "pods"),
        ("create", "events.events.k8s.io"),
    ]
    refused = [
        ("get", "secrets"),
        ("list", "secrets"),
        ("patch", "speculativedeployments.tandem.dev"),
        ("delete", "speculativedeployments.tandem.dev"),
        ("create", "pods"),
        ("delete", "pods"),
        ("create", "pods/exec"),
        ("get", "nodes"),
        ("patch", "leases.coordination.k8s.io"),
        ("create", "clusterroles.rbac.authorization.k8s.io"),
        ("*", "*"),
    ]

    assert [each for each in allowed if not may(*each)] == []
    assert [each for each in refused if may(*each)] == []
    assert may("update", "leases.coordination.k8s.io/tandem", namespace=NAMESPACE)


def test_scoped_to_namespaces_it_has_no_cluster_wide_right(helm: Helm) -> None:
    objects = rendered(helm, "--set=watchNamespaces={one,two}")
    kinds = [each["kind"] for each in objects]

    assert "ClusterRole" not in kinds
    assert sorted(
        each["metadata"]["namespace"]
        for each in objects
        if each["kind"] == "Role" and not each["metadata"]["name"].endswith("-leader")
    ) == ["one", "two"]
    (deployment,) = [each for each in objects if each["kind"] == "Deployment"]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    values = {each["name"]: each.get("value") for each in container["env"]}
    assert values["TANDEM_WATCH_NAMESPACES"] == "one,two"
    assert json.loads(values["TANDEM_ACCELERATOR_MEMORY_GIB"]) == {}


def test_the_torch_engines_image_is_a_value_and_of_this_release_by_itself(helm: Helm) -> None:
    def image_of(*words: str) -> Any:
        (deployment,) = [e for e in rendered(helm, *words) if e["kind"] == "Deployment"]
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        values = {each["name"]: each.get("value") for each in container["env"]}
        return values["TANDEM_TORCH_IMAGE"]

    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert image_of() == f"tandem-engine:{version}"
    pinned = "sha256:" + "0" * 64
    assert (
        image_of("--set=torchImage.repository=mirror/engine", f"--set=torchImage.digest={pinned}")
        == f"mirror/engine@{pinned}"
    )
