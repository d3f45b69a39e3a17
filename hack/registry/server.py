"""A registry of images and charts on one address of this machine, for as long as it is held."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hack.cluster.binaries import CACHE, MissingProgramError, go
from hack.environment import made_once

MODULE = "github.com/google/go-containerregistry/cmd/crane@v0.22.1"
"""`crane registry serve` is that module's registry."""
START_S = 20.0


def ensure() -> Path:
    """The program, built from a Go module once (a minute on 2 cores).

    Raises MissingProgramError without Go, with Go's words when the build fails.
    """
    return made_once.ensure(CACHE / "registry" / MODULE.rpartition("@")[2], _make) / "crane"


@contextmanager
def serving(address: str, folder: Path) -> Iterator[str]:
    """`host:port` of a registry on `address` that keeps its blobs in `folder`; plain HTTP.

    Raises RuntimeError with its words when it does not answer within 20 s.
    """
    program = ensure()
    with socket.create_server((address, 0)) as free:
        host = f"{address}:{free.getsockname()[1]}"
    log = folder / "registry.log"
    words = [str(program), "registry", "serve", f"--address={host}", f"--disk={folder}"]
    with log.open("wb") as sink, subprocess.Popen(words, stdout=sink, stderr=sink) as server:
        try:
            _wait(host, server, log)
            yield host
        finally:
            server.terminate()


def _wait(host: str, server: subprocess.Popen[bytes], log: Path) -> None:
    # No proxy of the environment stands between this machine and itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end_s = time.monotonic() + START_S
    while True:
        try:
            with opener.open(f"http://{host}/v2/", timeout=2):
                return
        except OSError as problem:
            if server.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError(f"registry on {host}: {problem}\n{log.read_text()}") from None
        time.sleep(0.05)


def _make(folder: Path) -> None:
    folder.mkdir(parents=True)
    environ = os.environ | {"GOBIN": str(folder)}
    words = [go(), "install", "-trimpath", "-ldflags", "-s -w", MODULE]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingProgramError(f"go install {MODULE} failed:\n{done.stderr[-2000:]}")
