"""Rewrites requirements.txt (exact versions, hashes) from requirements.in.

Called by hand, when the server's version moves.
"""

from __future__ import annotations

import subprocess

from hack.triton.environment import REQUIREMENTS
from hack.vllm.environment import DEBIAN_PYTHON, uv


def lock() -> None:
    """Resolve for Debian's interpreter; raises CalledProcessError when uv finds no solution."""
    subprocess.run(
        [
            uv(), "pip", "compile", "--quiet", "--generate-hashes", "--no-annotate",
            "--python", str(DEBIAN_PYTHON), "--no-deps",
            "--custom-compile-command", "python -m hack.triton lock",
            "requirements.in", "--output-file", REQUIREMENTS.name,
        ],
        check=True,
        cwd=REQUIREMENTS.parent,
    )  # fmt: skip
