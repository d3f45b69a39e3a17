"""How busy others keep the machine while a block is measured.

A block beside a busy neighbour tells of the neighbour. Which blocks are measured again is decided
by the processors' time alone, never by a block's result.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

import psutil

BUSY_CORES = 0.15
"""Cores' worth of others' work from which a block is measured again."""


@dataclass(frozen=True)
class ProcessorTimes:
    """Seconds of processor time since the machine's start: of all, and of this run's processes."""

    at_s: float
    all_s: float
    own_s: float


def processor_times() -> ProcessorTimes:
    """Now. This run's processes are this one and whatever it started."""
    times = psutil.cpu_times()
    idle_s = times.idle + getattr(times, "iowait", 0.0)
    # A guest's time is counted as user time already.
    guest_s = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    own = psutil.Process()
    own_s = 0.0
    for process in (own, *own.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            own_s += used.user + used.system
    return ProcessorTimes(time.monotonic(), sum(times) - idle_s - guest_s, own_s)


def others_cores(before: ProcessorTimes, after: ProcessorTimes) -> float:
    """Cores that others kept busy between two readings, interrupts and stolen time included."""
    passed_s = max(after.at_s - before.at_s, 1e-3)
    return max(0.0, (after.all_s - before.all_s) - (after.own_s - before.own_s)) / passed_s
