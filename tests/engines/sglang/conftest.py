"""SGLang's own parser and checks, in vLLM's environment with SGLang unpacked beside it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.parts import skip_without

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def ask(vllm_environment: Path) -> Callable[[str], Any]:
    """Runs `asks.py` with one argument and gives what it printed."""
    from hack.sglang.environment import MAKE_COMMAND, find

    folder = find()
    if folder is None:
        skip_without(f"SGLang is not unpacked; make it with `{MAKE_COMMAND}`")

    def run(argument: str) -> Any:
        done = subprocess.run(
            [
                str(vllm_environment / "bin" / "python"),
                str(Path(__file__).with_name("asks.py")),
                argument,
            ],
            capture_output=True,
            text=True,
            timeout=240.0,
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": str(folder), "HF_HUB_OFFLINE": "1"},
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.strip().splitlines()[-1])

    return run
