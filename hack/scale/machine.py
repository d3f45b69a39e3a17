"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import psutil

LIBRARIES = ("kopf", "kubernetes", "aiohttp", "pydantic")


def describe() -> dict[str, str]:
    """Processor, memory, kernel and versions, by what a reader looks for."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "processor": f"{os.cpu_count()} x {model[1] if model else platform.machine()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "commit": _commit(),
    }


def _commit() -> str:
    words = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


class Foreign:
    """How much of the machine others took while something was measured."""

    def __init__(self, own: tuple[int, ...]) -> None:
        self._own = [psutil.Process(pid) for pid in own]
        self._began = (self._machine(), self._ours())

    def cores(self, seconds: float) -> float:
        """Cores that other processes used, on average, since this was made."""
        machine, ours = self._began
        used = (self._machine() - machine) - (self._ours() - ours)
        return max(0.0, used) / seconds

    def _ours(self) -> float:
        times = [each.cpu_times() for each in self._own if each.is_running()]
        return float(sum(each.user + each.system for each in times))

    def _machine(self) -> float:
        times = psutil.cpu_times()
        return float(times.user + times.nice + times.system + times.irq + times.softirq)


def cpu_s(pids: Sequence[int]) -> dict[str, float]:
    """CPU seconds of processes, of all their threads, by the name of the program."""
    used: dict[str, float] = {}
    for process in (psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)):
        times = process.cpu_times()
        used[process.name()] = float(times.user + times.system)
    return used
