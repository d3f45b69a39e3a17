"""The torch engine in a real Triton in a real pod, by a resource: Ready, K live, no control port.

The image is a small stand-in with a real Triton inside; torch is the environment on a volume.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from hack.cluster.cluster import Cluster
from hack.demo.environment import setup
from hack.demo.environment.kubectl import Kubectl
from hack.demo.environment.setup import Images
from hack.images import recipes
from hack.vllm.environment import EnvironmentMissingError
from hack.vllm.environment import ensure as engine_environment
from tests.e2e.conftest import PAIR, REPOSITORY, open_to_all
from tests.e2e.examples import fitted, manifest
from tests.e2e.serving import Serving
from tests.parts import skip_without

NAME = "chat"
NAMESPACE = "triton"

pytestmark = [pytest.mark.cluster, pytest.mark.node, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def serving(
    cluster: Cluster, images: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    """The pair in Triton, Ready, before any request."""
    try:
        environment = engine_environment()
        image = recipes.triton()
    except EnvironmentMissingError as missing:
        skip_without(missing)
    cluster.load(image.archive)
    folder = tmp_path_factory.mktemp("models")
    permuted = folder / "made"
    subprocess.run(
        [sys.executable, "-m", "hack.pair", "permute", "--out", str(permuted)],
        cwd=REPOSITORY, check=True, capture_output=True,
    )  # fmt: skip
    models = setup.models(folder, PAIR / "target", PAIR / "draft", permuted)
    open_to_all(folder)
    kubectl = Kubectl(cluster, NAMESPACE)
    setup.make_namespace(kubectl)
    setup.make_claims(kubectl, models, environment)
    named = Images(images["operator"], images["runtime"], images["engine"])
    setup.install_operator(cluster.helm, kubectl, named)
    served = Serving(cluster, kubectl, named, models)
    served.apply(
        NAME,
        replicas=1,
        engine={
            "type": "Torch",
            "server": "Triton",
            "image": image.reference,
            "args": ["--max-model-len=512", "--kv-cache-mib=64", "--threads=1"],
        },
    )
    served.wait_ready(NAME, timeout_s=300)
    yield served
    kubectl.run("delete", "specdep", "--all", "--wait=false")


def test_k_is_live_in_a_triton_whose_answers_do_not_change(serving: Serving) -> None:
    before = _generate(serving)
    assert before["text_output"]
    for tokens in (0, None):
        serving.patch({"tuning": {"maxTokens": tokens}})

        def applied(switched_off: bool = tokens == 0) -> bool:
            page = _page(serving)
            effective = {line.split()[-1] for line in page if "tandem:effective_tokens{" in line}
            return bool(effective) and (effective == {"0"}) == switched_off

        serving.wait(f"K in force with maxTokens {tokens}", applied, 90)
        assert _generate(serving)["token_ids"] == before["token_ids"]

    def is_reported() -> bool:
        status: Any = serving.resource()["status"].get("speculation", {})
        return bool(status.get("appliedReplicas") == 1 and status.get("liveMode") == "Lookup")

    serving.wait("the resource tells the replica that applied it", is_reported, 60)
    assert set(serving.restarts().values()) == {0}


@pytest.mark.parametrize("example", ["triton/n-gram.yaml", "triton/layer-skip.yaml"])
def test_an_example_is_ready_and_drafts(serving: Serving, example: str) -> None:
    read = manifest(example)
    served = replace(serving, name=read["metadata"]["name"])
    served.kubectl.apply(json.dumps(fitted(read, served, recipes.triton().reference)))
    served.wait_ready(served.name, timeout_s=300)

    assert _generate(served)["text_output"]
    served.wait("drafted tokens are counted", lambda: _drafted(served) > 0)

    served.kubectl.run("delete", "specdep", served.name)


def test_the_only_ways_in_are_inference_and_the_page(serving: Serving) -> None:
    (pod,) = serving.kubectl.engine_pods(NAME)
    ports = {
        container["name"]: sorted(port["name"] for port in container.get("ports", []))
        for container in pod["spec"]["containers"]
    }
    assert ports == {"main": ["grpc", "http", "tandem-metrics"], "tandem-actuator": []}
    order = {"tandem_control": json.dumps({"key": "", "act": "restore"})}
    answer = httpx.post(f"{serving.endpoint()}/v2/models/{NAME}/generate", json=order, timeout=30)
    assert answer.status_code == 400


def _generate(serving: Serving) -> dict[str, Any]:
    body = {"text_input": "def read(a):\n" * 3, "max_tokens": 48, "temperature": 0}
    url = f"{serving.endpoint()}/v2/models/{serving.name}/generate"
    answer = httpx.post(url, json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def _drafted(serving: Serving) -> float:
    name = "vllm:spec_decode_num_draft_tokens_total"
    return sum(float(line.split()[-1]) for line in _page(serving) if line.startswith(name))


def _page(serving: Serving) -> list[str]:
    (pod,) = serving.kubectl.engine_pods(serving.name)
    url = f"http://{pod['status']['podIP']}:8002/metrics"
    return httpx.get(url, timeout=10).text.splitlines()
