"""`python -m hack.vllm.newest`: the newest vLLM that was read, as far as it runs here.

There is no build of it for CPUs. Its parser and its configuration are Python: its files are put
before the installed version's, whose torch and other packages they then use. No compiled module of
it is loaded, so nothing of it computes.
"""

from __future__ import annotations

from pathlib import Path

from hack.vllm_matrix import sources
from tandem_runtime.contract.engines.vllm_capabilities import READ

PACKAGE = "vllm"
VERSION = "{}.{}.0".format(*READ[-1])
MAKE_COMMAND = "python -m hack.vllm.newest"


def find() -> Path | None:
    """The folder to put first on Python's path, or None where nobody has made it yet."""
    folder = sources.place_of(PACKAGE, VERSION)
    return folder if _information(folder).exists() else None


def ensure() -> Path:
    """That folder, downloaded first if need be (some hundred MB).

    Raises subprocess.CalledProcessError when the registry does not give it.
    """
    folder = sources.unpacked(PACKAGE, VERSION).parent
    made = _information(folder)
    made.parent.mkdir(exist_ok=True)
    # vLLM takes itself for a build for CPUs by the version of its distribution.
    made.write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {VERSION}+cpu\n")
    return folder


def _information(folder: Path) -> Path:
    return folder / f"vllm-{VERSION}+cpu.dist-info" / "METADATA"


if __name__ == "__main__":
    print(ensure())
