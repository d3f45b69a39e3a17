"""Starts Triton with the torch engine on loopback, and its actuator; ends both by their ids.

The tests use it; nothing that runs in a pod does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from hack.triton.environment import SERVER, ensure, python_path
from hack.vllm.environment import DEBIAN_PYTHON
from hack.vllm.server import ServerFailedError
from tandem_runtime.contract import environment
from tandem_runtime.contract.table import SpeculationTable, render

REPOSITORY = Path(__file__).parents[2]
MODEL = "tiny"
_START_LIMIT_S = 120.0
_STOP_LIMIT_S = 60.0


@dataclass
class Process:
    """One process and what it writes."""

    running: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        """All that it wrote."""
        return self.log.read_text(errors="replace")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end as the kubelet does; its exit status."""
        if self.running.poll() is None:
            self.running.send_signal(number)
        try:
            return self.running.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.running.pid, signal.SIGKILL)
            return self.running.wait()


@dataclass
class Pod:
    """What the containers of one pod share: folders, ports and variables."""

    folder: Path
    http: int
    grpc: int
    metrics: int

    @property
    def url(self) -> str:
        """Of Triton's HTTP."""
        return f"http://127.0.0.1:{self.http}"

    @property
    def model_url(self) -> str:
        """Of the model."""
        return f"{self.url}/v2/models/{MODEL}"

    @property
    def page_url(self) -> str:
        """Where `/metrics` is, without it."""
        return f"http://127.0.0.1:{self.metrics}"

    @property
    def table(self) -> Path:
        """The table file."""
        return self.folder / "table" / "speculation.json"

    def put(self, table: SpeculationTable | str) -> None:
        """Swap the table file as the kubelet does."""
        fresh = self.table.with_suffix(".new")
        fresh.write_text(table if isinstance(table, str) else render(table))
        fresh.replace(self.table)

    def environ(self, more: Mapping[str, str]) -> dict[str, str]:
        """Of both containers."""
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, python_path(REPOSITORY))),
            environment.TABLE_FILE: str(self.table),
            environment.METRICS_DIR: str(self.folder / "metrics"),
            **more,
        }


@contextlib.contextmanager
def pod() -> Iterator[Pod]:
    """Folders and free ports for one pod."""
    with (
        TemporaryDirectory(prefix="tandem-triton-pod-") as temporary,
        contextlib.ExitStack() as free,
    ):
        probes = [free.enter_context(socket.socket()) for _ in range(3)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        ports = [probe.getsockname()[1] for probe in probes]
        free.close()
        (Path(temporary) / "table").mkdir()
        yield Pod(Path(temporary), *ports)


@contextlib.contextmanager
def triton(
    place: Pod, target: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """A ready Triton of `target` with these options of the engine; ended on leaving.

    Raises EnvironmentMissingError, or ServerFailedError with what it said.
    """
    words = [
        str(target), "--served-model-name", MODEL, "--port", str(place.http), "--threads", "1",
        "--grpc-port", str(place.grpc), "--metrics-port", str(place.metrics),
        "--tritonserver", str(ensure() / SERVER), *arguments,
    ]  # fmt: skip
    with _run(place, "tandem_runtime.triton.serve", words, environ or {}) as process:
        _wait_ready(place, process)
        yield process


@contextlib.contextmanager
def actuator(
    place: Pod, deepest: int, environ: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """The actuator beside it, for an engine of that depth; ended on leaving."""
    words = ["--model", MODEL, "--address", f"127.0.0.1:{place.grpc}"]
    own = {
        environment.MAX_TOKENS: str(deepest),
        # Without torch, so that nothing of it is needed where the image has none.
        environment.PYTHONPATH: os.pathsep.join(map(str, python_path(REPOSITORY)[:-1])),
        **(environ or {}),
    }
    with _run(place, "tandem_runtime.triton.actuator", words, own) as process:
        yield process


@contextlib.contextmanager
def _run(
    place: Pod, module: str, words: list[str], environ: Mapping[str, str]
) -> Iterator[Process]:
    log = place.folder / f"{module}-{time.monotonic_ns()}.log"
    with log.open("wb") as file:
        running = subprocess.Popen(
            [str(DEBIAN_PYTHON), "-m", module, *words],
            stdout=file, stderr=subprocess.STDOUT, env=place.environ(environ),
            start_new_session=True,
        )  # fmt: skip
    process = Process(running, log)
    try:
        yield process
    finally:
        process.stop()


def _wait_ready(place: Pod, process: Process) -> None:
    deadline_s = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline_s:
        if process.running.poll() is not None:
            raise ServerFailedError(f"Triton ended:\n{process.output()}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{place.url}/v2/health/ready", timeout=2.0).status_code == 200:
                return
        time.sleep(0.1)
    raise ServerFailedError(f"not ready after {_START_LIMIT_S:.0f} s:\n{process.output()}")
