"""Operators as processes beside an API server, under the chart's own rights."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from hack.cluster.cluster import Cluster
from hack.environment.ports import free_port as _free_port
from tests.cluster.outside.rights import LEASE, SYSTEM_NAMESPACE
from tests.cluster.outside.waiting import wait

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For pages without TLS: to read all of the system's authorities takes longer than the page, and a
file that is asked for so often now and then cannot be read."""
FIRST = "first"
"""The operator that leads at the start of a test."""


@dataclass
class Operators:
    """Starts and ends operator processes. All of them use the one Lease of the chart."""

    cluster: Cluster
    folder: Path
    kubeconfig: Path
    running: dict[str, Process] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    """Further environment of those that are started."""

    def start(self, identity: str) -> Process:
        """Start one and wait until it is Ready (synced); leading or standing by."""
        made = self.launch(identity)
        wait(f"{identity} is Ready", made.ready, 60)
        return made

    def launch(self, identity: str) -> Process:
        """Start one and wait for nothing."""
        port = _free_port()
        log = self.folder / f"{identity}-{port}.log"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.kubeconfig),
            "TANDEM_RUNTIME_IMAGE": "registry.example/tandem-runtime:0.1.0",
            "TANDEM_NAMESPACE": SYSTEM_NAMESPACE,
            "TANDEM_LEASE": LEASE,
            "TANDEM_IDENTITY": identity,
            "TANDEM_HTTP_PORT": str(port),
            "TANDEM_LOG_FORMAT": "text",
            **self.extra,
        }
        with log.open("wb") as out:
            child = subprocess.Popen(
                [sys.executable, "-m", "tandem_operator"],
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )
        made = Process(identity, child, port, log)
        self.running[identity] = made
        return made

    def kill(self, identity: str) -> None:
        self.running.pop(identity).end(signal.SIGKILL)

    def stop(self, identity: str) -> int:
        """End it as a kubelet does; returns its exit status."""
        return self.running.pop(identity).end(signal.SIGTERM)

    def end(self) -> None:
        for identity in list(self.running):
            self.kill(identity)


@dataclass(frozen=True)
class Process:
    identity: str
    child: subprocess.Popen[bytes]
    port: int
    log: Path

    def ready(self) -> bool:
        assert self.child.poll() is None, self.output()
        return self._page("readyz") is not None

    def is_ready(self) -> bool:
        """Whether it says so; it may have ended."""
        return self._page("readyz") is not None

    def healthy(self) -> bool:
        return self._page("healthz") is not None

    def leads(self) -> bool:
        return "tandem_operator_leading 1.0" in self.metrics()

    def metrics(self) -> str:
        return self._page("metrics") or ""

    def output(self) -> str:
        return self.log.read_text()

    said = output

    def end(self, number: signal.Signals) -> int:
        self.child.send_signal(number)
        try:
            return self.child.wait(timeout=15)
        finally:
            self.child.kill()

    def _page(self, path: str) -> str | None:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/{path}", timeout=5, verify=PLAIN)
        except httpx.TransportError:
            return None
        return answer.text if answer.is_success else None
