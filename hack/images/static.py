"""The two images of one static program: `pause`, which every pod needs, and `probe` for tests.

The local cluster asks for `pause` before its first pod.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from hack.cluster import binaries
from hack.images import archive

_HERE = Path(__file__).parent
FLAGS = ("-trimpath", "-ldflags", "-s -w")


def ensure(name: str) -> tuple[Path, str]:
    """The archive and the reference of the image `name` (`pause` or `probe`), built if need be.

    Raises binaries.MissingProgramError without Go.
    """
    source = _HERE / "programs" / name / "main.go"
    digest = hashlib.sha256(source.read_bytes() + b"1").hexdigest()[:16]
    folder = binaries.CACHE / "images" / digest
    made, reference = folder / f"{name}.tar", f"localhost/tandem-{name}:{digest}"
    if made.exists():
        return made, reference
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{name}.{os.getpid()}"
    environ = os.environ | {"CGO_ENABLED": "0", "GOARCH": "amd64", "GOOS": "linux"}
    done = subprocess.run(
        [binaries.go(), "build", *FLAGS, "-o", str(part), str(source)],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise binaries.MissingProgramError(f"go build {source} failed:\n{done.stderr}")
    archive.write(part.with_suffix(".part"), reference, part, name)
    part.unlink()
    part.with_suffix(".part").rename(made)
    return made, reference
