"""Starts the torch engine on loopback by a Python that has torch, and ends it by its process id.

The tests and the measurements use it; nothing that runs in a pod does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from hack.vllm.environment import ensure
from hack.vllm.server import ServerFailedError
from tandem_runtime.contract import environment

REPOSITORY = Path(__file__).parents[2]
_START_LIMIT_S = 120.0
_STOP_LIMIT_S = 30.0


class TorchServer:
    """A running engine. `table` is where it looks for its speculation table."""

    def __init__(self, url: str, table: Path, process: subprocess.Popen[bytes], log: Path) -> None:
        self.url = url
        self.table = table
        self.process = process
        self._log = log

    def log_tail(self) -> str:
        """The last lines that it wrote."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-30:])

    def stop(self) -> int:
        """Ask it to end as the kubelet does; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@contextlib.contextmanager
def serve(
    target: Path,
    *arguments: str,
    name: str = "tiny",
    threads: int = 2,
    environ: Mapping[str, str] | None = None,
) -> Iterator[TorchServer]:
    """A ready server of `target` with these options; ended on leaving.

    Raises EnvironmentMissingError, or ServerFailedError with the log's tail.
    """
    with TemporaryDirectory(prefix="tandem-torch-") as temporary:
        folder = Path(temporary)
        log = folder / "log"
        (folder / "table").mkdir()
        table = folder / "table" / "speculation.json"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = [
            str(ensure() / "bin" / "python"), "-m", "tandem_runtime.engine.server", str(target),
            "--port", str(port), "--served-model-name", name, "--threads", str(threads), *arguments,
        ]  # fmt: skip
        own = {
            "PYTHONPATH": str(REPOSITORY / "runtime"),
            environment.TABLE_FILE: str(table),
            environment.METRICS_DIR: str(folder / "metrics"),
        }
        with log.open("wb") as file:
            process = subprocess.Popen(
                words, stdout=file, stderr=subprocess.STDOUT,
                env={**os.environ, **own, **(environ or {})},
            )  # fmt: skip
        server = TorchServer(f"http://127.0.0.1:{port}", table, process, log)
        try:
            _wait_ready(server)
            yield server
        finally:
            server.stop()


def _wait_ready(server: TorchServer) -> None:
    deadline_s = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline_s:
        if server.process.poll() is not None:
            raise ServerFailedError(f"the torch engine ended:\n{server.log_tail()}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{server.url}/ready", timeout=2.0).status_code == 200:
                return
        time.sleep(0.1)
    raise ServerFailedError(f"not ready after {_START_LIMIT_S:.0f} s:\n{server.log_tail()}")
