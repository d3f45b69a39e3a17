"""Rewrites requirements.txt (exact versions, hashes) from requirements.in and overrides.txt.

Called by hand, when the engine's version moves.
"""

from __future__ import annotations

import subprocess

from hack.vllm.environment import DEBIAN_PYTHON, REQUIREMENTS, uv


def lock() -> None:
    """Resolve for Debian's interpreter; raises CalledProcessError when uv finds no solution."""
    subprocess.run(
        [
            uv(), "pip", "compile", "--quiet", "--generate-hashes", "--no-annotate",
            "--python", str(DEBIAN_PYTHON), "--override", "overrides.txt",
            "--custom-compile-command", "python -m hack.vllm lock",
            "requirements.in", "--output-file", REQUIREMENTS.name,
        ],
        check=True,
        cwd=REQUIREMENTS.parent,
    )  # fmt: skip
