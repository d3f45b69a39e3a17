"""The end of the process, which nothing may hold up: not a task, a thread nor a connection."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import NoReturn

FAILED = 1


def at_the_latest_in(seconds: float) -> None:
    """Whatever the teardown does, the process is gone then. A pod that hangs serves nobody."""
    timer = threading.Timer(seconds, _give_up, (seconds,))
    timer.daemon = True
    timer.start()


def now(status: int) -> NoReturn:
    """End with this exit status, without waiting for threads that others started."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _give_up(seconds: float) -> None:
    logging.getLogger(__name__).critical("the teardown took %.0f s: ended without it", seconds)
    now(FAILED)
