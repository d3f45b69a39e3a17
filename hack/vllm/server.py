"""Starts a real `vllm serve` on loopback and ends it by its process id.

The engine tests and the pair's measurements use it; nothing that runs in a pod does.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import httpx

from hack.environment.ports import free_port
from hack.vllm.environment import ensure

START_LIMIT_S = 240.0
_STOP_LIMIT_S = 30.0
_POLL_S = 0.25


class ServerFailedError(RuntimeError):
    """The engine did not come up; the message ends with the tail of its log."""


@dataclass(frozen=True)
class ServerOptions:
    """What one server is started with. `name` is both the log's name and the served model.

    `numerics` are the words that make a CPU's answers comparable token for token; a GPU's server
    has its own.
    """

    name: str
    target: Path
    speculative_config: Mapping[str, Any] | None = None
    max_model_tokens: int = 1024
    max_requests: int = 32
    numerics: tuple[str, ...] = ("--dtype", "float32", "--enforce-eager")
    arguments: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)


class Server:
    """A running engine; a context manager that ends it."""

    def __init__(
        self, environment: Path | Sequence[str], options: ServerOptions, log_folder: Path
    ) -> None:
        """Start without waiting.

        `environment` is the folder that `hack.vllm env` made, or the words that stand for
        `vllm serve` on this machine.
        """
        self.options = options
        self.log_file = log_folder / f"{options.name}.log"
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        command = (
            [str(environment / "bin" / "tandem-vllm")]
            if isinstance(environment, Path)
            else list(environment)
        )
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *self._arguments()],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | options.environ,
                # A session of its own: stopping reaches the engine's child processes too.
                start_new_session=True,
            )

    def wait_ready(self, limit_s: float = START_LIMIT_S) -> Self:
        """Return when /health answers 200; raises ServerFailedError when it never does."""
        deadline_s = time.monotonic() + limit_s
        while time.monotonic() < deadline_s:
            if self._process.poll() is not None:
                raise ServerFailedError(
                    f"{self.options.name} ended with {self._process.returncode}:\n{self.log_tail()}"
                )
            if self._healthy():
                return self
            time.sleep(_POLL_S)
        self.stop()
        raise ServerFailedError(
            f"{self.options.name} not ready after {limit_s:.0f} s:\n{self.log_tail()}"
        )

    def log_tail(self, lines: int = 40) -> str:
        """The last lines that the engine wrote."""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """End the engine and every process that it started; safe to call twice."""
        self._signal_group(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_LIMIT_S)
        # What outlives its parent still belongs to the group.
        self._signal_group(signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _arguments(self) -> list[str]:
        options = self.options
        arguments = [
            str(options.target), "--served-model-name", options.name,
            "--host", "127.0.0.1", "--port", str(self._port),
            *options.numerics,
            "--max-model-len", str(options.max_model_tokens),
            "--max-num-seqs", str(options.max_requests),
            "--no-enable-log-requests", "--disable-uvicorn-access-log",
        ]  # fmt: skip
        if options.speculative_config is not None:
            arguments += ["--speculative-config", json.dumps(dict(options.speculative_config))]
        return [*arguments, *options.arguments]

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2.0).status_code == 200
        except httpx.TransportError:
            return False

    def _signal_group(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return


@contextlib.contextmanager
def serve(
    target: Path,
    draft: Path | None = None,
    *,
    max_tokens: int = 5,
    plugin_dir: Path | None = None,
    extra_env: Mapping[str, str] | None = None,
    name: str = "tiny",
    arguments: tuple[str, ...] = (),
    start_limit_s: float = START_LIMIT_S,
) -> Iterator[Server]:
    """A ready server of the pair; ended, with its log gone, when the block is left.

    `max_tokens` is the deepest K; without a `draft` there is no speculation. `plugin_dir` is a
    folder that `tandem_runtime.vllm.install.copy_to` filled. Raises EnvironmentMissingError, or
    ServerFailedError with the log's tail when the engine is not ready within `start_limit_s`.
    """
    environ = dict(extra_env or {})
    if plugin_dir is not None:
        environ["PYTHONPATH"] = str(plugin_dir)
    speculative_config = None if draft is None else draft_model(draft, max_tokens)
    options = ServerOptions(name, target, speculative_config, arguments=arguments, environ=environ)
    with (
        TemporaryDirectory(prefix=f"tandem-{name}-") as logs,
        Server(ensure(), options, Path(logs)) as server,
    ):
        yield server.wait_ready(start_limit_s)


def draft_model(draft: Path, tokens: int) -> dict[str, Any]:
    """The speculative configuration for a draft of `tokens` tokens a step at most."""
    return {"method": "draft_model", "model": str(draft), "num_speculative_tokens": tokens}
