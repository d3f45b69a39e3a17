"""Starts the programs of a cluster, records them, and ends them in order."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hack.cluster.state import Process, State

STOP_S = 20.0


class StartError(Exception):
    """A program did not come up; the message carries the end of its log."""


def start(state: State, name: str, words: Sequence[str], namespace: str | None = None) -> State:
    """Start a program in a session of its own, with its log in the cluster's folder.

    `namespace` is the network namespace that it runs in; only the network is entered, because
    another mount of /sys would hide the cgroups.
    """
    prefix = ["nsenter", f"--net=/var/run/netns/{namespace}"] if namespace else []
    log = state.folder / f"{name}.log"
    with log.open("ab") as sink:
        child = subprocess.Popen(
            [*prefix, *words],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            cwd=state.folder,
        )
    return replace(state, processes=(*state.processes, Process.of(name, child.pid))).saved()


def wait_for(
    state: State, what: str, holds: Callable[[], bool], timeout_s: float, program: str
) -> None:
    """Check every 50 ms until it holds.

    Raises StartError with the end of a log: of any program that ended, or of `program` when the
    time passed.
    """
    end_s = time.monotonic() + timeout_s
    while not holds():
        for process in state.processes:
            _reap(process.pid)
            if not process.alive:
                log_tail = tail(state, process.name)
                raise StartError(f"{process.name} ended before {what}:\n{log_tail}")
        if time.monotonic() > end_s:
            raise StartError(f"not {what} within {timeout_s:.0f} s:\n{tail(state, program)}")
        time.sleep(0.05)


def stop(process: Process, *, kill: bool = False) -> None:
    """End one process and wait until it is gone; SIGKILL after 20 s."""
    _send(process, signal.SIGKILL if kill else signal.SIGTERM)
    end_s = time.monotonic() + STOP_S
    while process.alive:
        _reap(process.pid)
        if time.monotonic() > end_s:
            _send(process, signal.SIGKILL)
            end_s = time.monotonic() + STOP_S
        time.sleep(0.02)


def tail(state: State, program: str, lines: int = 15) -> str:
    log: Path = state.folder / f"{program}.log"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


def _send(process: Process, number: int) -> None:
    if process.alive:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return


def _reap(pid: int) -> None:
    """Collect a child of ours that ended; others are not ours to collect."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
