"""`offMode: Redeploy` on real pods under load: without the draft, and back through one canary.

The times are the administrator's (`rolloutTimes` of the chart), shortened from minutes to seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from hack.demo.environment import setup
from hack.images import recipes
from tests.e2e.serving import Object, Serving, load

pytestmark = [pytest.mark.node, pytest.mark.engine, pytest.mark.timeout(1500)]

NAME = "redeploy"
TIMES = {
    "removeAfter": 10,
    "firstDwell": 20,
    "longestDwell": 40,
    "worthFor": 5,
    "canaryFor": 10,
    "canaryDrafts": 60,
}
TUNING = {
    "mode": "Auto",
    "policy": "Thresholds",
    "offMode": "Redeploy",
    "thresholds": {"maxConcurrency": 2},
    "stabilizationSeconds": 0,
}


@pytest.fixture(scope="module")
def serving(place: Serving) -> Iterator[Serving]:
    """The pair on the torch engine, one replica, Ready, with an operator that waits seconds."""
    image = recipes.torch()
    place.cluster.load(image.archive)
    values = {f"rolloutTimes.{name}": str(value) for name, value in TIMES.items()}
    setup.install_operator(place.cluster.helm, place.kubectl, place.images, **values)
    served = replace(place, name=NAME)
    served.apply(
        NAME,
        replicas=1,
        engine={
            "type": "Torch",
            "image": image.reference,
            "args": ["--max-model-len=512", "--max-num-seqs=32", "--kv-cache-mib=128"],
        },
        tuning=TUNING,
    )
    served.wait_ready(NAME, timeout_s=300)
    yield served
    served.kubectl.run("delete", "specdep", NAME)
    setup.install_operator(place.cluster.helm, place.kubectl, place.images)


def test_the_draft_goes_and_comes_back_through_a_canary_and_no_request_fails(
    serving: Serving,
) -> None:
    lock = _template(serving)["metadata"]["labels"]["tandem.dev/lock"]

    with load(serving, 6) as busy:
        out_s = serving.wait("the draft is gone", lambda: _runs(serving, loaded=False), 300)
    message = _message(serving)
    with load(serving, 1) as calm:
        tried_s = serving.wait("one canary tries it", lambda: bool(_canaries(serving)), 300)
        back_s = serving.wait("the draft is back", lambda: _runs(serving, loaded=True), 500)

    failed = [request for request in (*busy, *calm) if request.error]
    print(
        f"{len(busy)} + {len(calm)} requests, {len(failed)} failed; out after {out_s:.0f} s, "
        f"canary after {tried_s:.0f} s, back after {back_s:.0f} s; {message}"
    )
    assert failed == []
    assert len(busy) > 10
    assert len(calm) > 10
    assert "more memory" in message
    assert _template(serving)["metadata"]["labels"]["tandem.dev/lock"] == lock
    assert _canaries(serving) == []


def _template(serving: Serving) -> Object:
    body: Object = serving.kubectl.get("deployment", NAME)["spec"]["template"]
    return body


def _runs(serving: Serving, *, loaded: bool) -> bool:
    """Whether all pods are of that form, and nothing is on its way."""
    (main,) = [c for c in _template(serving)["spec"]["containers"] if c["name"] == "main"]
    speculates = any(word.startswith("--method=") for word in main["args"])
    active = serving.condition("SpeculationActive") or {}
    removed = active.get("reason") == "RemovedByRollout"
    deployment = serving.kubectl.get("deployment", NAME)
    status = deployment["status"]
    whole = status.get("observedGeneration") == deployment["metadata"]["generation"] and status.get(
        "replicas"
    ) == status.get("updatedReplicas") == status.get("readyReplicas")
    return speculates == loaded and removed != loaded and whole


def _canaries(serving: Serving) -> list[Object]:
    answer = serving.kubectl.get(
        "deployments", "-l", f"tandem.dev/canary,tandem.dev/deployment={NAME}"
    )
    items: list[Object] = answer["items"]
    return items


def _message(serving: Serving) -> str:
    return str((serving.condition("SpeculationActive") or {}).get("message"))
