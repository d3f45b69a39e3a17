"""`offMode: Redeploy` on real pods under load: without the draft, and back through one canary.

The times are the administrator's (`rolloutTimes` of the chart), shortened from minutes to seconds.
`make rollout-tests-long` does the same on vLLM.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from hack.demo.environment import setup
from tests.e2e.engines import ENGINES, RUN
from tests.e2e.serving import Object, Serving, load

pytestmark = [pytest.mark.node, pytest.mark.engine, pytest.mark.timeout(2400)]

DRAFT_WORDS = ("--method=", "--speculative-config=")
"""Beginnings of the words by which an engine is started with a draft."""
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


@pytest.fixture(scope="module", params=RUN)
def serving(place: Serving, request: pytest.FixtureRequest) -> Iterator[Serving]:
    """The pair on one engine, one replica, Ready, with an operator that waits seconds."""
    values = {f"rolloutTimes.{name}": str(value) for name, value in TIMES.items()}
    setup.install_operator(place.cluster.helm, place.kubectl, place.images, **values)
    served = replace(place, name=f"redeploy-{request.param.lower()}")
    served.apply(served.name, replicas=1, tuning=TUNING, **ENGINES[request.param])
    served.wait_ready(served.name, timeout_s=600)
    yield served
    served.kubectl.run("delete", "specdep", served.name)
    setup.install_operator(place.cluster.helm, place.kubectl, place.images)


def test_the_draft_goes_and_comes_back_through_a_canary_and_no_request_fails(
    serving: Serving,
) -> None:
    lock = _template(serving)["metadata"]["labels"]["tandem.dev/lock"]

    with load(serving, 6) as busy:
        out_s = serving.wait("the draft is gone", lambda: _runs(serving, loaded=False), 600)
    message = _message(serving)
    with load(serving, 1) as calm:
        tried_s = serving.wait("one canary tries it", lambda: bool(_canaries(serving)), 600)
        back_s = serving.wait("the draft is back", lambda: _runs(serving, loaded=True), 600)

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
    body: Object = serving.kubectl.get("deployment", serving.name)["spec"]["template"]
    return body


def _runs(serving: Serving, *, loaded: bool) -> bool:
    """Whether all pods are of that form, and nothing is on its way."""
    (main,) = [c for c in _template(serving)["spec"]["containers"] if c["name"] == "main"]
    speculates = any(word.startswith(DRAFT_WORDS) for word in main["args"])
    active = serving.condition("SpeculationActive") or {}
    removed = active.get("reason") == "RemovedByRollout"
    deployment = serving.kubectl.get("deployment", serving.name)
    status = deployment["status"]
    whole = status.get("observedGeneration") == deployment["metadata"]["generation"] and status.get(
        "replicas"
    ) == status.get("updatedReplicas") == status.get("readyReplicas")
    return speculates == loaded and removed != loaded and whole


def _canaries(serving: Serving) -> list[Object]:
    answer = serving.kubectl.get(
        "deployments", "-l", f"tandem.dev/canary,tandem.dev/deployment={serving.name}"
    )
    items: list[Object] = answer["items"]
    return items


def _message(serving: Serving) -> str:
    return str((serving.condition("SpeculationActive") or {}).get("message"))
