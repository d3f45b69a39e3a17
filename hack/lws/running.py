"""The controller as a process beside an API server, with its webhooks."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from hack.cluster.cluster import Cluster
from hack.cluster.control_plane import credentials
from hack.environment.ports import free_ports
from hack.lws import build

Object = dict[str, Any]
HOST = "127.0.0.1"
READY_S = 60.0


class ControllerError(Exception):
    """It does not start; the message has the end of its log."""


def install(cluster: Cluster) -> None:
    """The definitions alone."""
    cluster.install_crds(build.ensure() / build.DEFINITIONS)


@contextlib.contextmanager
def running(cluster: Cluster, folder: Path) -> Iterator[Path]:
    """The controller and its webhooks while the block lasts; gives its log.

    Its definitions must be there. Pods of the whole cluster are made through its webhooks.
    Raises ControllerError.
    """
    parts = build.ensure()
    webhooks, probes = free_ports(2, HOST)
    made = credentials.make(folder / "pki", (HOST,), ())
    for here, there in (("apiserver.crt", "tls.crt"), ("apiserver.key", "tls.key")):
        Path(made.path(there)).write_bytes(Path(made.path(here)).read_bytes())
    config = folder / "config.json"
    config.write_text(json.dumps(_config(folder / "pki", webhooks, probes)))
    log = folder / "lws.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [str(parts / build.PROGRAM), f"--config={config}", "--leader-elect=false"],
            env=os.environ | {"KUBECONFIG": str(cluster.kubeconfig)},
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    authority = Path(made.path("ca.crt")).read_bytes()
    manifests = list(_webhooks((parts / build.WEBHOOKS).read_text(), webhooks, authority))
    try:
        _wait(process, webhooks, log)
        cluster.apply("\n---\n".join(map(json.dumps, manifests)))
        yield log
    finally:
        for each in manifests:
            words = (each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")
            cluster.run("delete", *words)
        process.terminate()
        process.wait(20)


def _config(folder: Path, webhooks: int, probes: int) -> Object:
    return {
        "apiVersion": "config.lws.x-k8s.io/v1alpha1",
        "kind": "Configuration",
        "internalCertManagement": {"enable": False},
        "webhook": {"host": HOST, "port": webhooks, "certDir": str(folder)},
        "health": {"healthProbeBindAddress": f"{HOST}:{probes}"},
        "metrics": {"bindAddress": "0"},
    }


def _webhooks(text: str, port: int, authority: bytes) -> Iterator[Object]:
    """The published configurations, with the address of this process."""
    bundle = base64.b64encode(authority).decode()
    for each in yaml.safe_load_all(text):
        each["metadata"]["name"] = f"lws-{each['metadata']['name']}"
        for hook in each["webhooks"]:
            path = hook["clientConfig"]["service"]["path"]
            hook["clientConfig"] = {"url": f"https://{HOST}:{port}{path}", "caBundle": bundle}
        yield each


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end_s = time.monotonic() + READY_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > end_s:
            raise ControllerError(f"the controller does not serve:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)
