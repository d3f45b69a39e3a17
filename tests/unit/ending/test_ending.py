"""The process ends when it must, whatever hangs in it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HANGING = """
import threading, time
from tandem_operator import ending
threading.Thread(target=time.sleep, args=(600,)).start()
"""


@pytest.mark.parametrize(
    ("code", "status"),
    [("ending.at_the_latest_in(0.2)\ntime.sleep(600)", 1), ("print('said')\nending.now(3)", 3)],
    ids=["a teardown that hangs", "a thread that nobody ends"],
)
def test_nothing_holds_the_end_up(code: str, status: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING + code], capture_output=True, timeout=60, check=False
    )

    assert done.returncode == status
    assert status != 3 or done.stdout == b"said\n"
