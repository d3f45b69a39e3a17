"""Runs `inside/` by a Python that has torch, which the project's own environment lacks.

One of them by hand: `ENGINE/bin/python tests/engines/plugin/inside/run.py
.venv/lib/python3.11/site-packages tests/engines/torch/inside/inside_exactness.py -k mixes`,
with ENGINE as `python -m hack.vllm path` prints it. `make torch-tests-long` runs the larger counts.
"""

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RUN = HERE.parent / "plugin" / "inside" / "run.py"
LIMIT_S = int(os.environ.get("TANDEM_TORCH_LIMIT_S", "590"))


@pytest.mark.engine
@pytest.mark.timeout(LIMIT_S + 10)
@pytest.mark.parametrize(
    "name", sorted(path.name for path in (HERE / "inside").glob("inside_*.py"))
)
def test_inside_an_environment_with_torch(name: str, engine_environment: Path) -> None:
    run = subprocess.run(
        [engine_environment / "bin" / "python", RUN, sysconfig.get_path("purelib"),
         "-q", "-rs", HERE / "inside" / name],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )  # fmt: skip

    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
