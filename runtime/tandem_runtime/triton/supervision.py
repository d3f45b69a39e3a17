"""The end of the engine's process, which Triton takes no notice of.

Triton answers "ready" for a model whose Python process is gone. So that the kubelet starts the
container again, `serve` waits for that process's end as for Triton's own.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_PID_FILE = "engine-pid"
_REASON_FILE = "engine-reason"
_POLL_S = 0.2


class EngineLostError(Exception):
    """The engine's process never served, or ended and Triton did not."""


class Places:
    """Where the engine's process leaves word for whoever started Triton."""

    def __init__(self, folder: Path) -> None:
        self._pid = folder / _PID_FILE
        self._reason = folder / _REASON_FILE

    def clear(self) -> None:
        """Before a start: what an earlier process left is nobody's any more."""
        self._pid.unlink(missing_ok=True)
        self._reason.unlink(missing_ok=True)

    def serves(self) -> None:
        """In the engine's process, once it serves."""
        temporary = self._pid.with_suffix(".new")
        temporary.write_text(str(os.getpid()))
        temporary.replace(self._pid)

    def cannot(self, reason: str) -> None:
        """In the engine's process, which cannot start for that reason."""
        self._reason.write_text(reason)

    def reason(self) -> str:
        """Why the engine could not start; "" where it did not say."""
        with contextlib.suppress(FileNotFoundError):
            return self._reason.read_text()
        return ""

    def process(self) -> int | None:
        """A descriptor that is readable once the engine's process has ended."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return os.pidfd_open(int(self._pid.read_text()))
        return None


def run(
    words: list[str],
    environ: dict[str, str],
    places: Places,
    idle: Callable[[], bool],
    drain_s: float,
) -> int:
    """Run Triton to its end; its exit status, 0 where it was asked to end.

    On SIGTERM or SIGINT Triton is told once `idle`, after `drain_s` at the latest: it gives its own
    clients no time that does not count idle connections too.

    Raises EngineLostError when the engine's process cannot start or ends first; Triton is killed
    then, for it would wait for requests that nobody answers.
    """
    places.clear()
    stop_s = float("inf")
    process = subprocess.Popen(words, env=environ)

    def asked(number: int, frame: object) -> None:
        nonlocal stop_s
        stop_s = min(stop_s, time.monotonic() + drain_s)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)
    engine: int | None = None
    try:
        while not _ended(process):
            engine = places.process() if engine is None else engine
            if stop_s != float("inf"):
                if idle() or time.monotonic() > stop_s:
                    process.terminate()
                    process.wait()
            elif engine is not None and _over(engine) and not _ended(process):
                process.kill()
                process.wait()
                raise EngineLostError(
                    "the engine's process has ended while Triton ran on; its last words are above"
                )
    finally:
        if engine is not None:
            # A Triton whose time is over leaves it behind.
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(engine, signal.SIGKILL)
            os.close(engine)
    if stop_s != float("inf"):
        return 0
    if reason := places.reason():
        raise EngineLostError(reason)
    return process.returncode


def _over(engine: int) -> bool:
    return bool(select.select([engine], [], [], 0)[0])


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has, after a moment's wait."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_POLL_S)
    return process.returncode is not None
