"""K by rollout: what traffic says of an engine that keeps its K replaces the pods with another one.

The API server, its controllers and the operator are real. There is no engine: the tests say in the
kubelet's place that pods run, and each pod's page is one on loopback whose counters follow a known
engine. The administrator's times are shortened from hours to seconds.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from hack.cluster.cluster import Cluster
from tests.cluster.outside import plane as planes
from tests.cluster.outside.plane import Plane
from tests.cluster.outside.room import Room, container
from tests.cluster.outside.waiting import wait
from tests.unit.metrics.builders import stock_page
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster

Object = dict[str, Any]
NEURON: Object = {
    "engine": {"type": "Neuron", "image": "neuron:1"},
    "accelerator": {},
    "speculation": {"method": "Eagle3", "maxTokens": 7, "constrainedOutput": "Allow"},
}
TIMES = {"depthFor": 6, "depthDwell": 3600}
HAZARD = 0.3
BATCH = 8.0
STEP_S, DRAFT_S = 0.02, 0.006
"""A step without drafts, and what each draft adds; one draft is best at this acceptance."""


@pytest.fixture(scope="module")
def plane(
    new_control_plane: Callable[[], Cluster], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plane]:
    with planes.up(new_control_plane, tmp_path_factory.mktemp("plane")) as made:
        made.operators.extra["TANDEM_ROLLOUT_TIMES"] = json.dumps(TIMES)
        made.operators.extra["TANDEM_SCRAPE_INTERVAL_SECONDS"] = "1"
        made.lead()
        yield made


class Page(ThreadingHTTPServer):
    """A pod's page at an address of its own on loopback, on the port that the pod has."""

    def __init__(self, tokens: int) -> None:
        self.tokens, self.began_s = tokens, time.monotonic()
        part = secrets.token_bytes(2)
        super().__init__((f"127.77.{part[0]}.{part[1]}", 8000), Answer)
        Thread(target=self.serve_forever, daemon=True).start()

    def text(self) -> str:
        passed_s = time.monotonic() - self.began_s
        iterations = passed_s / (STEP_S + DRAFT_S * self.tokens)
        steps = iterations * BATCH
        accepted = tuple(steps * HAZARD**place for place in range(1, self.tokens + 1))
        return stock_page(
            running=BATCH,
            steps=steps,
            seconds=passed_s * BATCH,
            iterations=iterations,
            generated=steps + sum(accepted),
            first=0,
            prompt=0,
            drafts=steps,
            draft_tokens=steps * self.tokens,
            accepted=accepted,
        )


class Answer(BaseHTTPRequestHandler):
    server: Page

    def do_GET(self) -> None:
        body = self.server.text().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *args: object) -> None:
        """Nothing: each scrape would be a line."""


@pytest.fixture
def pages() -> Iterator[dict[str, Page]]:
    """By UID of the pod."""
    made: dict[str, Page] = {}
    yield made
    for each in made.values():
        each.shutdown()
        each.server_close()


def tokens_of(pod: Object) -> int:
    words = pod["spec"]["containers"][0]["args"]
    (word,) = [each for each in words if each.startswith("--speculative-config=")]
    return int(json.loads(word.partition("=")[2])["num_speculative_tokens"])


def start(room: Room, pages: dict[str, Page]) -> None:
    """Each new pod runs, is ready and shows a page."""
    for pod in room.pods("engine"):
        if pod["metadata"]["uid"] in pages:
            continue
        page = pages[pod["metadata"]["uid"]] = Page(tokens_of(pod))
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": now}
        running = container("main", {"running": {"startedAt": now}}, ready=True, started=True)
        address = str(page.server_address[0])
        room.say(
            pod, running, phase="Running", conditions=[ready], podIP=address,
            podIPs=[{"ip": address}],
        )  # fmt: skip


def test_a_k_that_traffic_is_too_hard_for_is_replaced_by_a_rollout(
    plane: Plane, pages: dict[str, Page]
) -> None:
    room = plane.room()
    room.create(**NEURON, replicas=2)
    room.end_lock(builders.good())
    wait("engine pods", lambda: len(room.pods("engine")) == 2)
    assert {tokens_of(pod) for pod in room.pods("engine")} == {7}
    (first,) = room.all_of("controllerrevisions")

    def rolled_out() -> bool:
        start(room, pages)
        depths = [tokens_of(pod) for pod in room.pods("engine")]
        ready = room.condition("Ready") == ("True", "Serving")
        return ready and room.condition("Reconciling") is None and set(depths) <= {1, 2, 3}

    wait("pods with another K", rolled_out, 60)
    resource = room.resource()
    speculation = resource["status"]["speculation"]
    (tokens,) = {tokens_of(pod) for pod in room.pods("engine")}
    assert speculation["effectiveTokens"] == tokens
    assert speculation["liveMode"] == "Rollout"
    assert room.condition("SpeculationActive") == ("True", "Tuned")
    assert room.message("SpeculationActive").startswith(f"K 7 -> {tokens} by rollout: ")
    assert "s a replica (measured)" in room.message("SpeculationActive")
    assert speculation["lastDecision"]["message"] == room.message("SpeculationActive")
    assert resource["metadata"]["generation"] == 1, "the operator writes no spec"
    labels = {pod["metadata"]["labels"]["tandem.dev/lock"] for pod in room.pods("engine")}
    assert labels == {first["data"]["lock"]["hash"]}

    deployment = room.get("deployments")
    assert deployment is not None
    plane.operators.kill(planes.FIRST)
    plane.lead()
    wait("the new leader reads the pages", lambda: len(pages) == 4 and _read(room))
    after = room.get("deployments")
    assert after is not None
    assert after["metadata"]["generation"] == deployment["metadata"]["generation"]


def _read(room: Room) -> bool:
    return room.condition("MetricsAvailable") == ("True", "Scraped")


def test_what_no_page_of_an_engine_can_judge_is_refused_with_the_way_out(plane: Plane) -> None:
    room = plane.room()
    room.create(
        engine={"type": "SGLang", "image": "lmsysorg/sglang:v0.5.23"},
        speculation={"method": "DraftModel", "maxTokens": 7, "constrainedOutput": "Allow"},
    )
    wait("Stalled", lambda: room.condition("Stalled") == ("True", "UnsupportedCombination"))

    message = room.message("Stalled")
    assert "spec.tuning.mode: Auto" in message
    assert "no times of steps" in message
    assert "set tuning.mode: Fixed" in message
