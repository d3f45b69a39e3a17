"""The image that holds a pod's namespaces open: one static program that sleeps."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from hack.cluster.binaries import CACHE, MissingProgramError

PAUSE_IMAGE = "localhost/tandem-pause:1"
PROGRAM = """\
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	<-ended
}
"""


def pause_archive() -> Path:
    """The image as a docker-archive, made once.

    Raises MissingProgramError when Go cannot build it.
    """
    archive = CACHE / "images" / f"pause-{hashlib.sha256(PROGRAM.encode()).hexdigest()[:16]}.tar"
    if not archive.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        part = archive.with_suffix(f".{os.getpid()}")
        _write(part, _program(part.with_suffix(".go")))
        part.replace(archive)
    return archive


def _program(source: Path) -> bytes:
    source.write_text(PROGRAM)
    target = source.with_suffix(".bin")
    go = shutil.which("go") or "/usr/local/go/bin/go"
    done = subprocess.run(
        [go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(target), str(source)],
        env=os.environ | {"CGO_ENABLED": "0", "GO111MODULE": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    source.unlink()
    if done.returncode:
        raise MissingProgramError(f"the pause program cannot be built: {done.stderr[-500:]}")
    content = target.read_bytes()
    target.unlink()
    return content


def _write(path: Path, program: bytes) -> None:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as files:
        _add(files, "pause", program, 0o755)
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
        "os": "linux",
        "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [PAUSE_IMAGE], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as archive:
        _add(archive, "layer.tar", layer.getvalue(), 0o644)
        _add(archive, "config.json", json.dumps(config).encode(), 0o644)
        _add(archive, "manifest.json", json.dumps(manifest).encode(), 0o644)


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
