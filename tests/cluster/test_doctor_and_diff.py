"""`tandem doctor` and `tandem plan --diff` against a real API server."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hack.cluster.cluster import Cluster
from tandem_operator.cli.main import main
from tests.cluster.outside.rights import kubeconfig_of

Object = dict[str, Any]
MANIFEST: Object = {
    "apiVersion": "tandem.dev/v1alpha1",
    "kind": "SpeculativeDeployment",
    "metadata": {"name": "chat"},
    "spec": {
        "target": {"uri": "hf://org/target"},
        "draft": {"uri": "hf://org/draft"},
        "speculation": {"method": "DraftModel", "maxTokens": 5},
        "engine": {"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0"},
    },
}
OPERATOR: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "tandem-0", "labels": {"app.kubernetes.io/name": "tandem"}},
    # No scheduler takes it: without a node, what a kubelet would write is written by the test.
    "spec": {
        "schedulerName": "nobody",
        "containers": [{"name": "operator", "image": "registry.example/tandem-operator:0.1.0"}],
    },
}
Findings = dict[str, list[tuple[str, str]]]


class Command:
    """The command, with what it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str], kubeconfig: Path, namespace: str):
        self._capsys = capsys
        self.words = ["--kubeconfig", str(kubeconfig), "-n", namespace]

    def __call__(self, *words: str) -> tuple[int, str]:
        status = main([*words, *self.words])
        shown = self._capsys.readouterr()
        return status, shown.out + shown.err

    def doctor(self, *words: str) -> tuple[int, Findings]:
        """The status, and level and message of each finding, by its check."""
        status, out = self("doctor", "-o", "json", *words)
        findings: Findings = {}
        for one in json.loads(out)["findings"]:
            findings.setdefault(one["check"], []).append((one["level"], one["message"]))
        return status, findings


@pytest.fixture
def tandem(
    shared_control_plane: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(capsys, shared_control_plane.kubeconfig, namespace)


def installed(cluster: Cluster, namespace: str, **state: Any) -> None:
    """A pod of an operator, as a kubelet leaves it, and the Lease that it renewed just now."""
    place = f"--namespace={namespace}"
    cluster.run("create", "--filename=-", place, stdin=json.dumps(OPERATOR))
    container = {
        "name": "operator",
        "image": OPERATOR["spec"]["containers"][0]["image"],
        "imageID": "",
        "ready": not state,
        "restartCount": 0,
        "state": state or {"running": {}},
    }
    ready = {"type": "Ready", "status": "False" if state else "True"}
    patch = {"status": {"conditions": [ready], "containerStatuses": [container]}}
    words = ("patch", "pod", "tandem-0", place, "--subresource=status", "--type=merge")
    cluster.run(*words, "-p", json.dumps(patch))
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "tandem", "namespace": namespace},
        "spec": {
            "holderIdentity": "tandem-0",
            "leaseDurationSeconds": 15,
            "renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    }
    cluster.apply(json.dumps(lease))


def test_doctor_finds_no_operator(tandem: Command, namespace: str) -> None:
    status, findings = tandem.doctor("--operator-namespace", namespace)

    assert status == 1
    assert findings["API server"][0][0] == "ok"
    assert findings["definition"] == [
        ("ok", "speculativedeployments.tandem.dev v1alpha1, of this release")
    ]
    assert {level for level, _ in findings["your rights"]} == {"ok"}
    assert findings["operator"] == [("wrong", f"no pod of an operator in namespace {namespace}")]
    assert findings["resources"] == [("ok", f"no resource in namespace {namespace}")]


def test_doctor_finds_an_operator_that_leads(
    shared_control_plane: Cluster, tandem: Command, namespace: str
) -> None:
    installed(shared_control_plane, namespace)

    status, findings = tandem.doctor("--operator-namespace", namespace)

    assert findings["operator"] == [("ok", f"1 of 1 pods are ready in {namespace}")]
    ((level, message),) = findings["leader"]
    assert level == "ok"
    assert message.startswith("tandem-0 leads, by the Lease tandem renewed ")
    # The API server cannot reach a pod without a node: that is not known, and not wrong.
    assert [level for level, _ in findings["operator's metrics"]] == ["unknown"]
    assert status == 0


def test_doctor_names_an_image_that_cannot_be_pulled(
    shared_control_plane: Cluster, tandem: Command, namespace: str
) -> None:
    waiting = {"reason": "ImagePullBackOff", "message": "not found"}
    installed(shared_control_plane, namespace, waiting=waiting)

    status, findings = tandem.doctor("--operator-namespace", namespace)

    assert status == 1
    image = OPERATOR["spec"]["containers"][0]["image"]
    assert findings["operator's image"] == [("wrong", f"{image}: ImagePullBackOff, not found")]
    assert findings["operator"] == [("wrong", f"0 of 1 pods are ready in {namespace}")]


def test_doctor_tells_a_guest_what_it_may_not_see(
    shared_control_plane: Cluster,
    namespace: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shared_control_plane.run("create", "serviceaccount", "guest", f"--namespace={namespace}")
    kubeconfig = kubeconfig_of(shared_control_plane, tmp_path, namespace, "guest")

    status, findings = Command(capsys, kubeconfig, namespace).doctor()

    assert status == 1
    assert findings["API server"][0][0] == "ok"
    assert [level for level, _ in findings["your rights"]] == ["wrong", "warning"]
    for check in ("definition", "operator", "resources"):
        ((level, message),) = findings[check]
        assert level == "unknown"
        assert f"system:serviceaccount:{namespace}:guest" in message


def test_doctor_without_the_crd_says_how_to_install_it(
    new_control_plane: Callable[[], Cluster], capsys: pytest.CaptureFixture[str]
) -> None:
    command = Command(capsys, new_control_plane().kubeconfig, "default")

    status, out = command("doctor")

    assert status == 1
    assert "there is no speculativedeployments.tandem.dev: helm upgrade --install" in out


def with_spec(**changes: Any) -> Object:
    """The manifest with fields by path, `__` between their names."""
    made = copy.deepcopy(MANIFEST)
    for path, value in changes.items():
        *folders, last = path.split("__")
        place = made["spec"]
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = value
    return made


@pytest.mark.parametrize(
    ("after", "changes", "rolls"),
    [
        (MANIFEST, [], False),
        (with_spec(tuning__maxTokens=2), ["spec.tuning.maxTokens"], False),
        (with_spec(replicas=3), ["spec.replicas"], False),
        (with_spec(speculation__maxTokens=3), ["spec.speculation.maxTokens"], True),
        (
            with_spec(engine__args=["--max-num-seqs=64"], tuning__maxTokens=2),
            ["spec.engine.args", "spec.tuning.maxTokens"],
            True,
        ),
    ],
)
def test_diff_tells_what_the_stored_resource_would_change(
    after: Object,
    changes: list[str],
    rolls: bool,
    shared_control_plane: Cluster,
    tandem: Command,
    namespace: str,
    tmp_path: Path,
) -> None:
    place = f"--namespace={namespace}"
    shared_control_plane.run("create", "--filename=-", place, stdin=json.dumps(MANIFEST))
    file = tmp_path / "after.json"
    file.write_text(json.dumps(after))

    status, out = tandem("plan", "--diff", "-f", str(file), "-o", "json")

    document = json.loads(out)
    assert (status, document["exists"], document["rolls"]) == (0, True, rolls)
    assert [one["path"] for one in document["changes"]] == changes


def test_diff_of_a_new_resource_creates_it(tandem: Command, tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    file.write_text(json.dumps(MANIFEST))

    status, out = tandem("plan", "--diff", "-f", str(file))

    assert status == 0
    assert "is not in the cluster: it would be created" in out
