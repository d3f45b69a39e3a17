"""An operator beside the API server, under the chart's own rights, and what it costs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import yaml

from hack.cluster.cluster import Cluster
from hack.environment.ports import free_port

REPOSITORY = Path(__file__).parents[2]
SYSTEM = "tandem-system"
USER = f"system:serviceaccount:{SYSTEM}:tandem"
READY_S = 120.0
STOP_S = 30.0
QUIET_FOR_S = 3.0
QUIET_SHARE = 0.03
MIB = 2**20
IMAGE = re.compile(r"^FROM \S+ AS operator$(.*?)^ENTRYPOINT", re.MULTILINE | re.DOTALL)
START = ("PYTHONOPTIMIZE", "PYTHONNODEBUGRANGES", "FROZENLIST_NO_EXTENSIONS")
QUEUE = re.compile(r"^tandem_operator_queue_length (\S+)$", re.MULTILINE)
RECONCILIATIONS = re.compile(r"^tandem_operator_reconcile_seconds_count\{.*\} (\S+)$", re.MULTILINE)


def install(cluster: Cluster, folder: Path) -> Path:
    """The definition, and the chart's account, rights and Lease; returns that account's kubeconfig.

    Raises CalledProcessError or ClusterError.
    """
    # As the image is built: who compiles at its start holds 3 MiB more from then on.
    words = [sys.executable, "-c", "import tandem_operator.__main__"]
    environment = {"PATH": os.environ["PATH"], **image_start()}
    subprocess.run(words, env=environment, check=True)
    cluster.install_crds(REPOSITORY / "crds")
    cluster.run("create", "namespace", SYSTEM)
    chart = str(REPOSITORY / "charts" / "tandem")
    parts = ("rbac", "serviceaccount")
    shown = [f"--show-only=templates/{part}.yaml" for part in parts]
    words = [str(cluster.helm), "template", "tandem", chart, f"--namespace={SYSTEM}", *shown]
    cluster.apply(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    words = ["create", "token", "tandem", f"--namespace={SYSTEM}", "--duration=4h"]
    token = cluster.run(*words).strip()
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    for user in config["users"]:
        user["user"] = {"token": token}
    kubeconfig = folder / "kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(json.dumps(config))
    return kubeconfig


def image_start() -> dict[str, str]:
    """How the image starts Python: the variables of `Dockerfile` that memory depends on."""
    stage = IMAGE.search((REPOSITORY / "Dockerfile").read_text())
    assert stage is not None
    words = (line.split()[1:] for line in stage[1].splitlines() if line.startswith("ENV "))
    variables = dict(word.split("=", 1) for line in words for word in line)
    return {name: variables[name] for name in START}


class OperatorProcess:
    """One operator, started at once. Costs are read from /proc, so they hold all of its threads."""

    def __init__(self, kubeconfig: Path, folder: Path, identity: str) -> None:
        self._port = free_port()
        self.log = folder / f"{identity}.log"
        environment = {
            "PATH": os.environ["PATH"],
            **image_start(),
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig),
            "TANDEM_RUNTIME_IMAGE": "registry.example/tandem-runtime:0.1.0",
            "TANDEM_NAMESPACE": SYSTEM,
            "TANDEM_LEASE": "tandem",
            "TANDEM_IDENTITY": identity,
            "TANDEM_HTTP_PORT": str(self._port),
            "TANDEM_LOG_FORMAT": "json",
        }
        with self.log.open("wb") as out:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "tandem_operator"],
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )
        self._usage = psutil.Process(self._child.pid)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def cpu_s(self) -> float:
        """Seconds of CPU since it began."""
        times = self._usage.cpu_times()
        return float(times.user + times.system)

    @property
    def rss_mib(self) -> float:
        return float(self._usage.memory_info().rss / MIB)

    @property
    def peak_mib(self) -> float:
        """Highest resident size since it began."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        match = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        return int(match[1]) / 1024 if match else 0.0

    @property
    def reconciliations(self) -> float:
        """Reconciliations that ended since it started."""
        return sum(float(count) for count in RECONCILIATIONS.findall(self._metrics()))

    def lead(self) -> None:
        """Wait until it leads."""
        self._wait("it leads", lambda: "tandem_operator_leading 1.0" in self._metrics())

    def quiet(self, timeout_s: float) -> tuple[float, float]:
        """Wait until it leads, its queue is empty, and for 3 s it has used no CPU to speak of.

        Returns when that began (monotonic seconds) and the CPU seconds that it had used by then.
        """
        self.lead()
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            began_s, used_s = time.monotonic(), self.cpu_s
            time.sleep(QUIET_FOR_S)
            busy = (self.cpu_s - used_s) / (time.monotonic() - began_s)
            queue = QUEUE.search(self._metrics()) if busy < QUIET_SHARE else None  # costs CPU too
            if queue is not None and float(queue[1]) == 0:
                return began_s, used_s
        raise TimeoutError(f"the operator is not quiet after {timeout_s:.0f} s; see {self.log}")

    def end(self) -> None:
        """As a kubelet ends it."""
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_S)
        finally:
            self._child.kill()

    def _wait(self, what: str, holds: object) -> None:
        assert callable(holds)
        end_s = time.monotonic() + READY_S
        while not holds():
            if self._child.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError(f"not so: {what}; {self.log}:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.1)

    def _metrics(self) -> str:
        try:
            url = f"http://127.0.0.1:{self._port}/metrics"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""
