"""Makes what SGLang's own parser and checks need, once per content: its wheel, unpacked.

Torch and transformers are those of vLLM's environment, on whose interpreter it runs. SGLang serves
nothing here: its kernels are compiled for GPUs.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from hack.environment import made_once
from hack.vllm import environment as vllm
from hack.vllm.environment import cache_folder, child_environ, uv

SGLANG_VERSION = "0.5.23"
MAKE_COMMAND = "python -m hack.sglang env"
REQUIREMENTS = Path(__file__).parent / "requirements.txt"


def location() -> Path:
    """The folder that belongs to the present content of this recipe, made or not."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes())
    return cache_folder() / "sglang" / digest.hexdigest()[:16]


def find() -> Path | None:
    """The finished folder, or None when nobody has made it yet."""
    return made_once.find(location())


def ensure() -> Path:
    """The folder, made first if need be (some seconds, 150 MB).

    Raises EnvironmentMissingError when vLLM's environment cannot be made.
    """
    return made_once.ensure(location(), _make)


def lock() -> None:
    """Resolve requirements.txt anew; raises CalledProcessError when uv finds no solution."""
    argv = [
        uv(), "pip", "compile", "--quiet", "--generate-hashes", "--no-annotate",
        "--python", str(vllm.DEBIAN_PYTHON), "--no-deps",
        "--custom-compile-command", "python -m hack.sglang lock",
        "requirements.in", "--output-file", REQUIREMENTS.name,
    ]  # fmt: skip
    subprocess.run(argv, check=True, cwd=REQUIREMENTS.parent)


def _make(folder: Path) -> None:
    python = vllm.ensure() / "bin" / "python"
    print(f"unpacking SGLang into {folder} (once)", file=sys.stderr)
    argv = [
        uv(), "pip", "install", "--quiet", "--python", str(python), "--target", str(folder),
        "--require-hashes", "--no-deps", "--requirement", str(REQUIREMENTS),
    ]  # fmt: skip
    subprocess.run(argv, check=True, env=child_environ())
