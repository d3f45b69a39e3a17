"""`onDecay: Restart` on real pods under load: acceptance decays, and the pods are made again.

The hours stand in: the record that the operator keeps of them for its next leader is written here,
while no operator runs. The rest is as it is: that leader, the rollout, engines and requests.
`make rollout-tests-long` does the same on vLLM.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hack.demo.environment.setup import SYSTEM_NAMESPACE
from tandem_operator.tuning.acceptance.decay import AcceptanceHistory, Bucket
from tests.e2e.engines import ENGINES, RUN
from tests.e2e.serving import Serving, load

pytestmark = [pytest.mark.node, pytest.mark.engine, pytest.mark.timeout(2400)]

CLIENTS = 2
HISTORY = "acceptance.json"


@pytest.fixture(scope="module", params=RUN)
def serving(place: Serving, request: pytest.FixtureRequest) -> Iterator[Serving]:
    """The pair on one engine, one replica, Ready."""
    served = replace(place, name=f"decay-{request.param.lower()}")
    tuning = {"mode": "Auto", "onDecay": "Restart"}
    served.apply(served.name, replicas=1, tuning=tuning, **ENGINES[request.param])
    served.wait_ready(served.name, timeout_s=600)
    yield served
    served.kubectl.run("delete", "specdep", served.name)


def test_pods_whose_acceptance_decayed_are_made_again_once_and_no_request_fails(
    serving: Serving,
) -> None:
    before = {engine.pod for engine in serving.engines()}

    with load(serving, CLIENTS) as requests:
        serving.wait("acceptance is kept", lambda: HISTORY in _kept(serving), 120)
        _scale_operator(serving, 0)
        _remember_hours(serving)
        _scale_operator(serving, 2)
        seconds = serving.wait("other pods serve", lambda: _only_others(serving, before), 600)
        after = len(requests)
        serving.wait("they answer", lambda: len(requests) > after + 4)
        serving.wait_ready(serving.name, 60)

    failed = [request for request in requests if request.error]
    decayed = serving.condition("AcceptanceDecayed") or {}
    print(
        f"{len(requests)} requests, {len(failed)} failed; made again after {seconds:.0f} s; "
        f"{decayed.get('message')}"
    )
    assert failed == []
    assert (decayed.get("status"), decayed.get("reason")) == ("True", "Decayed")
    assert "acceptance is 40 %" in str(decayed["message"])
    assert "the pods were restarted at" in str(decayed["message"])
    deployment = serving.kubectl.get("deployment", serving.name)
    assert deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


def _kept(serving: Serving) -> dict[str, str]:
    """What the operator keeps for its next leader."""
    maps = serving.kubectl.get("configmaps")["items"]
    (data,) = [m["data"] for m in maps if m["metadata"]["name"] == _map(serving)] or [{}]
    return dict(data)


def _map(serving: Serving) -> str:
    return f"{serving.name}-tuner"


def _remember_hours(serving: Serving) -> None:
    """Two hours at 80 %, and then half an hour at 40 %, under the load of now."""
    now_s = time.time()
    closed = tuple(
        Bucket(
            now_s - 600.0 * back,
            accepted=10.0 * share,
            rejected=10.0 * (100.0 - share),
            load_sum=60.0 * CLIENTS,
            looks=60,
        )
        for back, share in zip(range(15, 0, -1), [80.0] * 12 + [40.0] * 3, strict=True)
    )
    data = {HISTORY: AcceptanceHistory(closed).to_json()}
    patch = ("--type=merge", "-p", json.dumps({"data": data}))
    serving.kubectl.run("patch", "configmap", _map(serving), *patch)


def _scale_operator(serving: Serving, replicas: int) -> None:
    """Returns once so many operators run."""
    words = ("scale", "deployment/tandem", f"--replicas={replicas}")
    serving.cluster.run(*words, "-n", SYSTEM_NAMESPACE)
    serving.wait(f"{replicas} operators", lambda: _operators(serving) == replicas, 120)


def _operators(serving: Serving) -> int:
    pods = serving.cluster.run("get", "pods", "-n", SYSTEM_NAMESPACE, "-o", "name")
    return len(pods.split())


def _only_others(serving: Serving, before: set[str]) -> bool:
    """Whether all engine pods are new, and ready."""
    ready = {engine.pod for engine in serving.engines()}
    return (
        bool(ready) and not ready & before and len(serving.kubectl.engine_pods(serving.name)) == 1
    )
