"""The parts of one run, each from a settled cluster to the next: figures by name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hack.scale import api as paths
from hack.scale import pair, plain
from hack.scale.api import Api, Children
from hack.scale.operator_process import OperatorProcess
from hack.scale.requests import Counts, Requests

Figures = dict[str, Any]

LIMIT_S = 900.0
CHURN_S = 30
CHURN_SHARE = 100
"""One of so many is changed every second."""


@dataclass
class Run:
    """A control plane with one operator; `names` are the resources that stand."""

    api: Api
    children: Children
    requests: Requests
    operator: OperatorProcess
    start: Callable[[str], OperatorProcess]
    names: list[str]
    folder: Path


async def first(run: Run) -> None:
    """One resource whose lock Job ends in the kubelet's place; the others find its report."""
    await run.api.create(paths.RESOURCES, pair.resource("first"))
    for _ in range(600):
        pods = await run.api.all_of(paths.PODS, "tandem.dev/role=lock")
        if pods:
            break
        await asyncio.sleep(0.1)
    name = pods[0]["metadata"]["name"]
    await run.api.patch(paths.PODS, f"{name}/status", {"status": pair.lock_ended()})
    if not await run.children.wait(["first"], 1, 60.0):
        raise TimeoutError(f"the first resource has no Deployment; see {run.operator.log}")
    await _quiet(run)
    run.requests.since()


async def creation(run: Run, number: int, rate: float) -> Figures:
    """`number` resources at `rate` a second, until all have their children and it is quiet."""
    names = [f"r{place:05d}" for place in range(number)]
    cpu_s, before, began_s = run.operator.cpu_s, run.operator.reconciliations, time.monotonic()

    async def create(name: str) -> None:
        await run.api.create(paths.RESOURCES, pair.resource(name))

    sent = await _at_rate(names, rate, create)
    whole = await run.children.wait(names, 1, LIMIT_S)
    children_s = time.monotonic() - began_s
    settled_s, used_s = await _quiet(run)
    run.names += names
    return {
        "number": number,
        "rate": rate,
        "whole": whole,
        **_latencies(run.children, sent, 1),
        "children_s": children_s,
        "settled_s": settled_s - began_s,
        "cpu_ms_a_resource": 1000 * (used_s - cpu_s) / number,
        "reconciliations_a_resource": (run.operator.reconciliations - before) / number,
        **_memory(run),
        **_counted(run.requests.since(), number),
    }


async def without(run: Run, number: int, rate: float) -> Figures:
    """The same children for as many names, with no resource and no operator."""
    templates = await plain.bodies(run.api)
    names = [f"p{place:05d}" for place in range(number)]
    seen, began_s = Children(), time.monotonic()
    watch = asyncio.create_task(run.api.watch(paths.DEPLOYMENTS, plain.OTHER_LABEL, seen.hear))
    try:
        sent = await _at_rate(names, rate, lambda name: plain.create(run.api, templates, name))
        whole = await plain.settled(run.api, seen, names, LIMIT_S)
    finally:
        watch.cancel()
    return {
        "number": number,
        "rate": rate,
        "whole": whole,
        "settled_s": time.monotonic() - began_s,
        **_latencies(seen, sent, 1),
    }


async def idle(run: Run, seconds: float) -> Figures:
    """Nothing happens."""
    run.requests.since()
    cpu_s, began_s = run.operator.cpu_s, time.monotonic()
    await asyncio.sleep(seconds)
    took_s = time.monotonic() - began_s
    counts = run.requests.since()
    return {
        "seconds": took_s,
        "cores": (run.operator.cpu_s - cpu_s) / took_s,
        "writes": counts.writes + counts.events,
        "requests": dict(counts.by),
        **_memory(run),
    }


async def restart(run: Run) -> Figures:
    """The operator ends as a kubelet ends it, and a new one starts."""
    await asyncio.to_thread(run.operator.end)
    run.requests.since()
    began_s = time.monotonic()
    run.operator = run.start("restarted")
    quiet_s, used_s = await _quiet(run)
    counts = run.requests.since()
    return {
        "seconds": quiet_s - began_s,
        "cpu_s": used_s,
        "writes": counts.writes + counts.events,
        "requests": dict(counts.by),
        **_memory(run),
    }


async def change(run: Run) -> Figures:
    """Another image on all resources at once."""
    body = {"spec": {"engine": {"image": pair.OTHER_IMAGE}}}
    cpu_s, began_s = run.operator.cpu_s, time.monotonic()

    async def patch(name: str) -> None:
        await run.api.patch(paths.RESOURCES, name, body)

    before = run.operator.reconciliations
    await _at_rate(run.names, 1000.0, patch)
    whole = await run.children.wait(run.names, 2, LIMIT_S)
    children_s = time.monotonic() - began_s
    settled_s, used_s = await _quiet(run)
    return {
        "whole": whole,
        "reconciliations_a_resource": (run.operator.reconciliations - before) / len(run.names),
        "children_s": children_s,
        "settled_s": settled_s - began_s,
        "cpu_ms_a_resource": 1000 * (used_s - cpu_s) / len(run.names),
        **_memory(run),
        **_counted(run.requests.since(), len(run.names)),
    }


async def churn(run: Run) -> Figures:
    """Every second 1 % of the resources get another number of replicas, for half a minute."""
    rate = max(1.0, len(run.names) / CHURN_SHARE)
    changed = [run.names[place % len(run.names)] for place in range(int(CHURN_S * rate))]
    changed = list(dict.fromkeys(changed))
    cpu_s, began_s = run.operator.cpu_s, time.monotonic()
    before = {name: run.children.generation[name] for name in changed}

    async def scale(name: str) -> None:
        await run.api.patch(paths.RESOURCES, name, {"spec": {"replicas": 2}})

    sent = await _at_rate(changed, rate, scale)
    whole = await run.children.wait(changed, max(before.values()) + 1, LIMIT_S)
    _, used_s = await _quiet(run)
    return {
        "changes": len(changed),
        "rate": rate,
        "whole": whole,
        "seconds": time.monotonic() - began_s,
        **_latencies(run.children, sent, max(before.values()) + 1),
        "cpu_ms_a_change": 1000 * (used_s - cpu_s) / len(changed),
        **_counted(run.requests.since(), len(changed)),
    }


async def deletion(run: Run) -> Figures:
    """All resources are deleted; the cluster's own garbage collector takes their children."""
    cpu_s, began_s = run.operator.cpu_s, time.monotonic()

    async def delete(name: str) -> None:
        await run.api.delete(paths.RESOURCES, name)

    await _at_rate(run.names, 1000.0, delete)
    whole = await run.children.wait(run.names, None, LIMIT_S)
    children_s = time.monotonic() - began_s
    _, used_s = await _quiet(run)
    return {
        "whole": whole,
        "children_s": children_s,
        "cpu_ms_a_resource": 1000 * (used_s - cpu_s) / len(run.names),
        **_memory(run),
        **_counted(run.requests.since(), len(run.names)),
    }


async def _at_rate(
    names: Sequence[str], rate: float, send: Callable[[str], Awaitable[None]]
) -> dict[str, float]:
    """Send each at its time, whatever the others take; returns when each was sent."""
    began_s, sent = time.monotonic(), {}
    async with asyncio.TaskGroup() as group:
        for place, name in enumerate(names):
            await asyncio.sleep(max(0.0, began_s + place / rate - time.monotonic()))
            sent[name] = time.monotonic()
            group.create_task(_sent(send, name))
    return sent


async def _sent(send: Callable[[str], Awaitable[None]], name: str) -> None:
    await send(name)


async def _quiet(run: Run) -> tuple[float, float]:
    return await asyncio.to_thread(run.operator.quiet, LIMIT_S)


def _latencies(children: Children, sent: dict[str, float], generation: int) -> Figures:
    """Seconds from the request to the Deployment of that generation, as a watch hears of it."""
    seen = ((children.at_s(name, generation), at_s) for name, at_s in sent.items())
    taken = sorted(heard_s - sent_s for heard_s, sent_s in seen if heard_s is not None)
    if not taken:
        return {}
    return {
        f"p{share}_s": taken[min(len(taken) - 1, len(taken) * share // 100)] for share in (50, 99)
    }


def _memory(run: Run) -> Figures:
    return {"rss_mib": run.operator.rss_mib, "peak_mib": run.operator.peak_mib}


def _counted(counts: Counts, number: int) -> Figures:
    return {
        "writes_a_resource": counts.writes / number,
        "events_a_resource": counts.events / number,
        "reads_a_resource": counts.reads / number,
        "requests": dict(counts.by.most_common()),
    }
