"""`python -m hack.scale.scrape --pods 2000`: what the tuning loop costs that reads so many pods.

The loop, the scraper and the tuners are the operator's own; the pods are servers on loopback, each
with an address of its own, in another process, whose pages are made here (see `engine_page`). There
is no API server: what a decision then writes is no part of these figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import time
from multiprocessing.synchronize import Event
from typing import Any

import psutil

from hack.scale import engine_page, machine, pair
from tandem_operator.clock import SystemClock
from tandem_operator.control.loop import TuningLoop
from tandem_operator.control.resource_tuning import Key, Subject

Object = dict[str, Any]

PORT = 18_231
REPLICAS = 10
STEP_S = 2.0
PAGES = 120


class Measured(TuningLoop):
    """Notes how late each round ends after it was due, so that a loop that falls behind is seen."""

    lags_s: list[float]

    async def _run_and_schedule(self, key: Key, due_s: float) -> None:
        await super()._run_and_schedule(key, due_s)
        self.lags_s.append(self._clock.now_s() - due_s)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hack.scale.scrape", description=__doc__)
    parser.add_argument("--pods", type=int, default=2000)
    parser.add_argument("--interval-s", type=float, default=10.0)
    parser.add_argument("--warm-s", type=float, default=90.0, help="while all are new; told apart")
    parser.add_argument("--seconds", type=float, default=60.0)
    words = parser.parse_args()
    if words.pods < REPLICAS or min(words.interval_s, words.seconds) <= 0 or words.warm_s < 0:
        parser.error(f"--pods is at least {REPLICAS}, and no time is below 0 or nothing")
    _many_files()
    ready = multiprocessing.Event()
    pods = multiprocessing.Process(target=_serve, args=(words.pods, ready), daemon=True)
    pods.start()
    if not ready.wait(60):
        raise TimeoutError("the pods' pages are not served")
    figures = asyncio.run(_measured(words))
    pods.terminate()
    print(json.dumps({"machine": machine.describe(), **figures}, indent=2))
    return 0


async def _measured(words: argparse.Namespace) -> Object:
    subjects = {
        ("scale", f"r{number:05d}"): _subject(number) for number in range(words.pods // REPLICAS)
    }
    changed: list[Key] = []
    loop = Measured(
        subject=subjects.get,
        changed=changed.append,
        clock=SystemClock(),
        interval_s=words.interval_s,
    )
    loop.lags_s = []
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    for key in subjects:  # all at once, as after a start
        loop.watch(key)
    warm = await _figures(loop, words.warm_s)
    changed.clear()
    figures = {
        "pods": words.pods,
        **await _figures(loop, words.seconds),
        "told": len(changed),
        "rss_mib": psutil.Process().memory_info().rss / 2**20,
        "page_kib": len(engine_page.rendered(1000.0)) / 1024,
        "warm": warm,
    }
    stop.set()
    await running
    return figures


async def _figures(loop: Measured, seconds: float) -> Object:
    """What it costs from now on, for so long."""
    loop.lags_s = []
    began_s, cpu_s = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    took_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
    pages, lags = len(loop.lags_s) * REPLICAS, sorted(loop.lags_s)
    return {
        "pages_a_second": pages / took_s,
        "cores": cpu_s / took_s,
        "cpu_ms_a_page": 1000 * cpu_s / pages,
        "lag_p50_s": lags[len(lags) // 2],
        "lag_p99_s": lags[len(lags) * 99 // 100],
    }


def _subject(number: int) -> Subject:
    """A resource with its workload and ten ready pods."""
    name, uid = f"r{number:05d}", f"uid-{number}"
    owned = [
        _object("Deployment", name, f"{uid}-d", uid),
        _object("ReplicaSet", name, f"{uid}-r", f"{uid}-d"),
    ]
    owned += [_pod(number * REPLICAS + place, f"{uid}-r") for place in range(REPLICAS)]
    made = pair.resource(name, REPLICAS)
    made["metadata"] |= {"uid": uid, "namespace": "scale"}
    return Subject(made, tuple(owned))


def _object(kind: str, name: str, uid: str, owner: str) -> Object:
    owners = [{"uid": owner, "controller": True}]
    return {"kind": kind, "metadata": {"name": name, "uid": uid, "ownerReferences": owners}}


def _pod(number: int, owner: str) -> Object:
    pod = _object("Pod", f"pod-{number}", f"uid-pod-{number}", owner)
    pod["metadata"]["labels"] = {"tandem.dev/role": "engine", "tandem.dev/lock": engine_page.LOCK}
    main_container = {
        "name": "main",
        "image": pair.IMAGE,
        "ports": [{"name": "http", "containerPort": PORT}],
        "env": [
            {"name": "TANDEM_MAX_TOKENS", "value": "7"},
            {"name": "TANDEM_TIERS", "value": "0,1,3,7"},
        ],
    }
    pod["spec"] = {"containers": [main_container]}
    ready = {"type": "Ready", "status": "True"}
    pod["status"] = {"podIP": _address(number), "conditions": [ready]}
    return pod


def _address(number: int) -> str:
    return f"127.1.{number // 250}.{number % 250 + 1}"


def _serve(pods: int, ready: Event) -> None:
    _many_files()
    pages = [engine_page.rendered(1000.0 + STEP_S * step).encode() for step in range(PAGES)]
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n"
    )
    answers = [head.format(len(page)).encode() + page for page in pages]
    began_s = time.monotonic()

    class Pod(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            if data.endswith(b"\r\n\r\n"):
                step = int((time.monotonic() - began_s) / STEP_S)
                self.transport.write(answers[min(step, PAGES - 1)])

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        for number in range(pods):
            await loop.create_server(Pod, _address(number), PORT, backlog=8)
        ready.set()
        await asyncio.Event().wait()

    asyncio.run(serve())


def _many_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    raise SystemExit(main())
