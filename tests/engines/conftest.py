"""Fixtures of the tests on a real engine: its environment, and a real server of the tiny pair."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.parts import skip_without

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def vllm_environment() -> Path:
    """The folder of vLLM's own environment; skips where nobody has made it."""
    from hack.vllm.environment import find

    folder = find()
    if folder is None:
        skip_without("no vLLM environment; make it with `python -m hack.vllm env`")
    return folder


@pytest.fixture(scope="session")
def in_engine(vllm_environment: Path) -> Callable[..., str]:
    """Runs a Python file inside the engine's environment and gives what it printed.

    `first` are folders whose modules stand over the environment's own. A failing file fails the
    test with everything that it wrote.
    """

    def run(
        script: Path, *arguments: str, limit_s: float = 240.0, first: Sequence[Path] = ()
    ) -> str:
        done = subprocess.run(
            [str(vllm_environment / "bin" / "python"), str(script), *arguments],
            capture_output=True,
            text=True,
            timeout=limit_s,
            cwd=REPOSITORY,
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join(map(str, (*first, REPOSITORY))),
                "HF_HUB_OFFLINE": "1",
            },
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
