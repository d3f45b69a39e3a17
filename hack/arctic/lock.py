"""Rewrites both lists of requirements (exact versions, hashes).

Called by hand, when the package's version moves.
"""

from __future__ import annotations

import subprocess

from hack.arctic.environment import BUILD_REQUIREMENTS, REQUIREMENTS
from hack.vllm.environment import DEBIAN_PYTHON, uv


def lock() -> None:
    """Resolve for Debian's interpreter; raises CalledProcessError when uv finds no solution."""
    for written in (REQUIREMENTS, BUILD_REQUIREMENTS):
        subprocess.run(
            [
                uv(), "pip", "compile", "--quiet", "--generate-hashes", "--no-annotate",
                "--python", str(DEBIAN_PYTHON), "--no-deps",
                "--custom-compile-command", "python -m hack.arctic lock",
                written.with_suffix(".in").name, "--output-file", written.name,
            ],
            check=True,
            cwd=written.parent,
        )  # fmt: skip
