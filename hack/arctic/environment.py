"""Builds arctic-inference, from which vLLM drafts by suffixes, once per content.

It is published as sources alone. Only its suffix tree is compiled (C++, half a minute); its patches
of vLLM stay off, as in every image that is made by `pip install arctic-inference`. torch, which its
build asks for, comes from the vLLM environment.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from hack.environment import made_once
from hack.vllm import environment as vllm
from hack.vllm.environment import DEBIAN_PYTHON, EnvironmentMissingError, cache_folder, uv

MAKE_COMMAND = "python -m hack.arctic env"
REQUIREMENTS = Path(__file__).parent / "requirements.txt"
BUILD_REQUIREMENTS = Path(__file__).parent / "build-requirements.txt"
_HEADERS = Path("/usr/include/python3.11/Python.h")
_COMPILER = "g++"
_SITE_PACKAGES = Path("lib/python3.11/site-packages")
_RECIPE = b"1"  # counts changes of `_make` that the requirements do not show


def location() -> Path:
    """The folder that belongs to the present content of this recipe, made or not."""
    sources = (REQUIREMENTS, BUILD_REQUIREMENTS)
    digest = hashlib.sha256(_RECIPE + b"\0".join(source.read_bytes() for source in sources))
    return cache_folder() / "arctic" / digest.hexdigest()[:16]


def find() -> Path | None:
    """The finished folder, for a PYTHONPATH, or None when nobody has made it yet."""
    return made_once.find(location())


def ensure() -> Path:
    """The folder, for a PYTHONPATH, made first if need be (a minute, 2 MB).

    Raises EnvironmentMissingError when the machine has no compiler, no headers of Debian's Python
    3.11 or no uv.
    """
    return made_once.ensure(location(), _make)


def _make(folder: Path) -> None:
    if shutil.which(_COMPILER) is None or not _HEADERS.exists():
        raise EnvironmentMissingError(
            f"{_COMPILER} or {_HEADERS} is missing: arctic-inference comes as sources. "
            "On Debian 12: apt-get install g++ python3-dev"
        )
    print(f"building arctic-inference in {folder} (once, a minute)", file=sys.stderr)
    with TemporaryDirectory(prefix="tandem-arctic-") as temporary:
        build = Path(temporary) / "build"
        python = str(build / "bin" / "python")
        _run(build, uv(), "venv", "--quiet", "--python", str(DEBIAN_PYTHON), str(build))
        locked = ("--quiet", "--python", python, "--require-hashes", "--no-deps")
        install = (uv(), "pip", "install", *locked)
        _run(build, *install, "--requirement", str(BUILD_REQUIREMENTS))
        torch = vllm.ensure() / _SITE_PACKAGES
        (build / _SITE_PACKAGES / "torch.pth").write_text(f"{torch}\n")
        _run(
            build, *install, "--no-build-isolation", "--compile-bytecode",
            "--target", str(folder), "--requirement", str(REQUIREMENTS),
        )  # fmt: skip


def _run(build: Path, *argv: str) -> None:
    path = os.pathsep.join((str(build / "bin"), os.environ["PATH"]))
    subprocess.run(argv, check=True, env=vllm.child_environ() | {"PATH": path})
