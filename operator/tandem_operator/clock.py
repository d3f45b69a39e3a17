"""The one clock of the operator's loops."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since the epoch that never go back while the process lives."""

    def now_s(self) -> float: ...


class SystemClock:
    """The epoch at start plus the monotonic clock: steps of the wall clock do not show."""

    def __init__(self) -> None:
        self._start_s = time.time() - time.monotonic()

    def now_s(self) -> float:
        return self._start_s + time.monotonic()
