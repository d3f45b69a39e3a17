"""Where the CPU goes: py-spy samples the operator from outside while something happens."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERTZ = 100


@contextmanager
def recorded(pid: int, svg: Path | None) -> Iterator[None]:
    """Samples while the block runs; None: not at all. Sampling costs some percent itself."""
    if svg is None:
        yield
        return
    kind = "flamegraph" if svg.suffix == ".svg" else "raw"
    program = str(Path(sys.executable).with_name("py-spy"))
    words = [program, "record", f"--pid={pid}", f"--rate={HERTZ}", "--nonblocking"]
    sampler = subprocess.Popen([*words, f"--format={kind}", f"--output={svg.absolute()}"])
    try:
        yield
    finally:
        sampler.send_signal(signal.SIGINT)
        sampler.wait(60)
