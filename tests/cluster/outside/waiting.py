"""Waits for what another process brings about."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait(what: str, holds: Callable[[], bool], timeout_s: float = 30.0) -> float:
    """Seconds until it held; fails when it does not."""
    began_s = time.monotonic()
    while not holds():
        if time.monotonic() - began_s > timeout_s:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - began_s
