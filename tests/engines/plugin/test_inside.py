"""Runs `inside/` by the engine's own Python, where vLLM's real schedulers can be imported.

One of them by hand: `ENGINE/bin/python tests/engines/plugin/inside/run.py
.venv/lib/python3.11/site-packages tests/engines/plugin/inside/inside_scheduler.py -k preempted`,
with ENGINE as `python -m hack.vllm path` prints it.
"""

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

INSIDE = Path(__file__).parent / "inside"


@pytest.mark.engine
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(path.name for path in INSIDE.glob("inside_*.py")))
def test_inside_the_engines_environment(
    name: str, engine_environment: Path, tmp_path: Path
) -> None:
    run = subprocess.run(
        [engine_environment / "bin" / "python", INSIDE / "run.py", sysconfig.get_path("purelib"),
         "-q", INSIDE / name],
        capture_output=True,
        text=True,
        timeout=590,
        env={**os.environ, "TANDEM_METRICS_DIR": str(tmp_path)},
        check=False,
    )  # fmt: skip

    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
