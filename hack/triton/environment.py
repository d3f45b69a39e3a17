"""Makes the Triton server's own environment, once per content.

The server is the one inside the wheel of PyTriton, which is Triton 2.51 for CPUs; PyTriton's own
Python is not used. It is laid out as NVIDIA's image has it (`bin`, `backends`, `lib`). torch comes
from the vLLM environment, which stands after this one on the path: numpy must be this one's.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from hack.environment import made_once
from hack.vllm import environment as vllm
from hack.vllm.environment import DEBIAN_PYTHON, EnvironmentMissingError, cache_folder, uv

MAKE_COMMAND = "python -m hack.triton env"
REQUIREMENTS = Path(__file__).parent / "requirements.txt"
SITE_PACKAGES = Path("lib/python3.11/site-packages")
SERVER = Path("tritonserver/bin/tritonserver")
_LIBRARY = Path("/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0")
_RECIPE = b"2"  # counts changes of `_make` that the requirements do not show


def location() -> Path:
    """The folder that belongs to the present content of this recipe, made or not."""
    digest = hashlib.sha256(_RECIPE + REQUIREMENTS.read_bytes())
    return cache_folder() / "triton" / digest.hexdigest()[:16]


def find() -> Path | None:
    """The finished environment, or None when nobody has made it yet."""
    return made_once.find(location())


def ensure() -> Path:
    """The environment, made first if need be (half a minute, 400 MB).

    Raises EnvironmentMissingError when the machine has no Debian Python 3.11 or no uv.
    """
    return made_once.ensure(location(), _make)


def python_path(repository: Path) -> list[Path]:
    """Where the tree's runtime, numpy and tritonclient, and torch lie, in this order.

    The actuator needs all but the last.
    """
    return [repository / "runtime", ensure() / SITE_PACKAGES, vllm.ensure() / SITE_PACKAGES]


def _make(folder: Path) -> None:
    for needed in (DEBIAN_PYTHON, _LIBRARY):
        if not needed.exists():
            raise EnvironmentMissingError(
                f"{needed} is missing: Triton's Python backend is linked to Debian's interpreter. "
                "On Debian 12: apt-get install python3 python3-venv libpython3.11"
            )
    print(f"making the Triton environment in {folder} (once)", file=sys.stderr)
    _run(uv(), "venv", "--quiet", "--python", str(DEBIAN_PYTHON), str(folder))
    _run(
        uv(), "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"),
        "--require-hashes", "--no-deps", "--compile-bytecode", "--requirement", str(REQUIREMENTS),
    )  # fmt: skip
    _lay_out(folder)


def _lay_out(folder: Path) -> None:
    """The server as in NVIDIA's image; its Python backend is the one for Debian's interpreter."""
    wheel = folder / SITE_PACKAGES / "pytriton" / "tritonserver"
    backend = folder / "tritonserver" / "backends" / "python"
    shutil.copytree(wheel / "backends" / "python", backend)
    shutil.copytree(wheel / "python_backend_stubs" / "3.11", backend, dirs_exist_ok=True)
    server = folder / SERVER
    server.parent.mkdir()
    shutil.copy2(wheel / "bin" / "tritonserver", server)
    libraries = folder / "tritonserver" / "lib"
    shutil.copytree(folder / SITE_PACKAGES / "nvidia_pytriton.libs", libraries)
    # A slim container has Debian's interpreter and not its library.
    shutil.copy2(_LIBRARY, libraries)


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, env=vllm.child_environ())
