"""`make bench-scale N=500 RATE=20`: what one operator costs beside a real API server.

etcd, API server and controller manager run on this machine, no node: in the kubelet's place every
engine's pod is told to be Ready as soon as it is made, and the lock of the first resource to have
ended with a good report, which answers the others. The part `without` makes the same children with
no operator. Results go to OUT as JSON, and `--page` writes them into docs/scale.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hack.cluster import local, state
from hack.cluster.cluster import Cluster
from hack.scale import api as paths
from hack.scale import flame, machine, page, parts
from hack.scale.api import Api, Children
from hack.scale.kubelet import Kubelet
from hack.scale.machine import Foreign
from hack.scale.operator_process import USER, OperatorProcess, install
from hack.scale.parts import Run
from hack.scale.requests import Requests

Figures = dict[str, Any]
NAMESPACE = "scale"
PARTS = ("creation", "idle", "restart", "change", "churn", "deletion", "without")
ANY = "tandem.dev/deployment"
MANAGER = ("--kube-api-qps=200", "--kube-api-burst=400")
"""Otherwise the controllers, not the operator, are what the figures show at 20 a second."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hack.scale", description=__doc__)
    parser.add_argument("--number", type=int, default=500)
    parser.add_argument("--rate", type=float, default=20.0, help="resources created a second")
    parser.add_argument("--idle-s", type=float, default=60.0)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, default=Path("scale.json"))
    parser.add_argument("--flame", type=Path, help="SVG of where the CPU goes while it creates")
    parser.add_argument(
        "--page", nargs="?", const="control-plane", help="the block of docs/scale.md to write"
    )
    words = parser.parse_args()
    if words.number < 1 or words.rate <= 0 or words.idle_s < 0:
        parser.error("--number is at least 1, --rate above 0 and --idle-s not below 0")
    changing = next((part for part in words.parts if part in ("change", "churn", "deletion")), None)
    before = words.parts[: words.parts.index(changing)] if changing else ["creation"]
    if "creation" not in before:
        parser.error(f"part {changing} needs creation before it: --parts creation {changing}")
    with tempfile.TemporaryDirectory(prefix="tandem-scale-") as folder:
        figures = asyncio.run(_measured(words, Path(folder)))
    words.out.write_text(json.dumps(figures, indent=2) + "\n")
    print(page.rendered(figures))
    if words.page is not None:
        page.write(figures, words.page)
    return 0


async def _measured(words: argparse.Namespace, folder: Path) -> Figures:
    cluster = local.control_plane_up(MANAGER)
    try:
        kubeconfig = install(cluster, folder)
        cluster.make_namespace(NAMESPACE)

        def start(identity: str) -> OperatorProcess:
            return OperatorProcess(kubeconfig, folder, identity)

        operator = start("first")
        try:
            await asyncio.to_thread(operator.lead)
            empty = {"rss_mib": operator.rss_mib, "cpu_s": operator.cpu_s}
            assert cluster.audit_log is not None
            requests = Requests(cluster.audit_log, USER)
            async with Api(cluster, NAMESPACE) as api:
                children = Children()
                run = Run(api, children, requests, operator, start, [], folder)
                tasks = [
                    asyncio.create_task(api.watch(paths.DEPLOYMENTS, ANY, children.hear)),
                    asyncio.create_task(Kubelet(api).run()),
                ]
                try:
                    figures = await _parts(run, words, cluster)
                finally:
                    operator = run.operator
                    for task in tasks:
                        task.cancel()
        finally:
            operator.end()
    finally:
        cluster.end()
    return {"machine": machine.describe(), "empty": empty, **figures}


async def _parts(run: Run, words: argparse.Namespace, cluster: Cluster) -> Figures:
    gathered: Figures = {}
    await parts.first(run)
    for name in words.parts:
        planes = _planes(cluster)
        began_s, used_s = time.monotonic(), machine.cpu_s(planes)
        foreign = Foreign((*planes, run.operator.pid))
        match name:
            case "creation":
                with flame.recorded(run.operator.pid, words.flame):
                    figures = await parts.creation(run, words.number, words.rate)
            case "idle":
                figures = await parts.idle(run, words.idle_s)
            case "restart":
                figures = await parts.restart(run)
            case "change":
                figures = await parts.change(run)
            case "churn":
                figures = await parts.churn(run)
            case "without":
                figures = await parts.without(run, words.number, words.rate)
            case _:
                figures = await parts.deletion(run)
        took_s = time.monotonic() - began_s
        figures["plane_cpu_s"] = {
            program: ended_s - used_s[program] for program, ended_s in machine.cpu_s(planes).items()
        }
        if name != "restart":
            figures["foreign_cores"] = foreign.cores(took_s)
        gathered[name] = figures
        shown = {key: value for key, value in figures.items() if key != "requests"}
        print(name, json.dumps(shown), file=sys.stderr, flush=True)
    return gathered


def _planes(cluster: Cluster) -> Sequence[int]:
    """etcd, API server, controller manager, and this process."""
    loaded = state.load(cluster.name)
    assert loaded is not None
    return [*(process.pid for process in loaded.processes), state.this_process().pid]


if __name__ == "__main__":
    sys.exit(main())
