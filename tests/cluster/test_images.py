"""The images that the other tests run: small, complete, and started as an unknown user."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from hack.cluster.cluster import Cluster
from hack.images import recipes

OPERATOR_MB = 250

pytestmark = [pytest.mark.cluster, pytest.mark.node, pytest.mark.timeout(600)]


def test_the_operator_adds_less_than_250_mb_to_its_base() -> None:
    assert recipes.operator().over_base_bytes < OPERATOR_MB * 1e6


@pytest.mark.parametrize(
    ("image", "program", "expected"),
    [
        ("operator", "import tandem_operator.api, kopf, numpy; print('works')", "works"),
        ("runtime", "import tandem_runtime.contract, huggingface_hub; print('works')", "works"),
        ("runtime", "import importlib.util as u; print(u.find_spec('torch'))", "None"),
        ("engine", "import ctypes; ctypes.CDLL('libnuma.so.1'); print('works')", "works"),
    ],
)
def test_an_image_runs_in_a_restricted_pod(
    cluster: Cluster,
    namespace: str,
    images: Mapping[str, str],
    image: str,
    program: str,
    expected: str,
) -> None:
    cluster.run("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    cluster.apply(json.dumps(_once(namespace, images[image], ["python3", "-c", program])))
    ended = "--for=jsonpath={.status.phase}=Succeeded"
    inside = f"--namespace={namespace}"
    cluster.run("wait", ended, "pod/once", inside, "--timeout=60s", timeout_s=90)
    assert cluster.run("logs", "once", inside).strip() == expected


def _once(namespace: str, image: str, command: list[str]) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "once", "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {
                "runAsUser": 65532,
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "imagePullPolicy": "Never",
                    "command": command,
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }
