"""`tandem status` and `tandem explain` against a real API server."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from hack.cluster.cluster import Cluster
from tandem_operator.cli.main import main

NOW = "2026-01-02T03:04:05Z"


def manifest(namespace: str) -> str:
    return json.dumps(
        {
            "apiVersion": "tandem.dev/v1alpha1",
            "kind": "SpeculativeDeployment",
            "metadata": {"name": "chat", "namespace": namespace},
            "spec": {
                "target": {"uri": "hf://org/target"},
                "draft": {"uri": "hf://org/draft"},
                "speculation": {"method": "DraftModel"},
                "engine": {"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0"},
            },
        }
    )


STATUS = {
    "observedGeneration": 1,
    "readyReplicas": 0,
    "speculation": {"state": "Pending"},
    "conditions": [
        {
            "type": kind,
            "status": status,
            "reason": "ModelNotFound" if kind == "Stalled" else "LockPending",
            "message": message,
            "lastTransitionTime": NOW,
        }
        for kind, status, message in (
            ("Ready", "False", "the pair is not locked"),
            ("Stalled", "True", "hf://org/target does not exist"),
        )
    ],
}
RECORDS = [{"time": NOW, "state": "Active", "reason": "Initial", "message": "start table"}]


@pytest.fixture
def chat(shared_control_plane: Cluster, namespace: str) -> str:
    """The namespace of a resource `chat` that is stalled, with one decision kept."""
    cluster, place = shared_control_plane, f"--namespace={namespace}"
    cluster.apply(manifest(namespace))
    patch = json.dumps({"status": STATUS})
    words = ("patch", "specdep", "chat", place, "--subresource=status", "--type=merge")
    cluster.run(*words, "-p", patch)
    literal = f"--from-literal=records.json={json.dumps(RECORDS)}"
    cluster.run("create", "configmap", "chat-tuner", place, literal)
    return namespace


def test_status_shows_the_row_and_what_is_wrong(
    shared_control_plane: Cluster, chat: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kubeconfig = str(shared_control_plane.kubeconfig)

    assert main(["status", "-n", chat, "--kubeconfig", kubeconfig]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:5] == ["chat", "False", "0/1", "DraftModel", "Pending"]
    assert lines[3:] == [
        "chat:",
        "  Ready is False (LockPending): the pair is not locked",
        "  Stalled is True (ModelNotFound): hf://org/target does not exist",
    ]


def test_explain_shows_the_decision(
    shared_control_plane: Cluster, chat: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kubeconfig = str(shared_control_plane.kubeconfig)

    assert main(["explain", "chat", "-n", chat, "--kubeconfig", kubeconfig]) == 0

    assert capsys.readouterr().out.splitlines() == [
        f"SpeculativeDeployment {chat}/chat",
        "in force: Pending",
        "",
        f"{NOW} Initial, Active",
        "  start table",
    ]


@pytest.mark.parametrize("verb", ["status", "explain"])
def test_a_name_that_is_not_there_suggests_the_nearest(
    verb: str, shared_control_plane: Cluster, chat: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kubeconfig = str(shared_control_plane.kubeconfig)

    assert main([verb, "chatt", "-n", chat, "--kubeconfig", kubeconfig]) == 2

    assert capsys.readouterr().err == (
        f"tandem {verb}: no SpeculativeDeployment chatt in namespace {chat}: did you mean chat?\n"
    )


def test_a_cluster_without_the_crd_is_told(
    new_control_plane: Callable[[], Cluster], capsys: pytest.CaptureFixture[str]
) -> None:
    bare = new_control_plane()

    assert main(["status", "-A", "--kubeconfig", str(bare.kubeconfig)]) == 2
    assert "install Tandem's CRD" in capsys.readouterr().err
