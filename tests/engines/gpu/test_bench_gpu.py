"""`make bench-gpu` without a GPU: the real command with the tiny pair, and vLLM's own log lines."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hack.gpu.setup.start_log import FIGURES

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]
PYTHON_PACKAGES = "lib/python3.11/site-packages"


def bench(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hack.gpu", "--dry", "--out", str(folder), *words],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_a_run_that_is_out_of_time_keeps_its_finished_parts(
    vllm_environment: Path, tmp_path: Path
) -> None:
    first = bench(tmp_path, "--limit-s", "100")

    assert first.returncode == 3, first.stdout[-3000:] + first.stderr[-3000:]
    assert "steps.off: done" in first.stdout
    assert "the same command goes on" in first.stderr
    page = (tmp_path / "page.md").read_text()
    step_times = page.split("## Step time without speculation")[1].split("##")[0]
    assert re.search(r"\| 0 \| 1\.0 \| \d+\.\d{3} \|", step_times), step_times
    assert "No figure is a GPU's" in page

    again = bench(tmp_path, "--report")
    assert again.returncode == 3
    assert "starting the engine" not in again.stdout
    assert (tmp_path / "page.md").read_text() == page


@pytest.mark.parametrize("name", FIGURES)
def test_the_engine_still_logs_what_is_read(vllm_environment: Path, name: str) -> None:
    """The words in front of each figure stand in vLLM's source: most appear on a GPU alone."""
    words = re.split(r"\(\[|\.\*", FIGURES[name].replace("\\", ""))[0].strip()
    sources = (vllm_environment / PYTHON_PACKAGES / "vllm" / "v1").rglob("*.py")

    # A literal that vLLM's source breaks over two lines reads as one.
    joined = (re.sub(r'"\s*\n\s*"', "", source.read_text()) for source in sources)
    assert any(words in text for text in joined), words
