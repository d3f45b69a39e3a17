"""Both controllers as processes beside an API server."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from hack.cluster.cluster import Cluster
from hack.environment.ports import free_port
from hack.flux import build

HOST = "127.0.0.1"
READY_S = 60.0


class ControllerError(Exception):
    """One of them does not start; the message has the end of its log."""


@contextlib.contextmanager
def running(cluster: Cluster, folder: Path) -> Iterator[Path]:
    """Both controllers, with their definitions, while the block lasts; gives the folder of logs.

    Raises ControllerError.
    """
    parts = build.ensure()
    cluster.install_crds(parts / build.DEFINITIONS)
    storage = f"{HOST}:{free_port(HOST)}"
    flags = {
        "source-controller": (
            f"--storage-path={folder / 'artifacts'}",
            f"--storage-addr={storage}",
            f"--storage-adv-addr={storage}",
        ),
        "kustomize-controller": (),
    }
    (folder / "artifacts").mkdir()
    with contextlib.ExitStack() as stack:
        for name in build.CONTROLLERS:
            stack.enter_context(_controller(cluster, folder, parts / name, flags[name]))
        yield folder


@contextlib.contextmanager
def _controller(
    cluster: Cluster, folder: Path, program: Path, flags: tuple[str, ...]
) -> Iterator[None]:
    health = f"{HOST}:{free_port(HOST)}"
    log = folder / f"{program.name}.log"
    words = [str(program), f"--health-addr={health}", "--metrics-addr=0", *flags]
    environ = os.environ | {
        "KUBECONFIG": str(cluster.kubeconfig),
        "RUNTIME_NAMESPACE": "default",
        "TMPDIR": str(folder),
    }
    with log.open("w") as sink:
        process = subprocess.Popen(words, env=environ, stdout=sink, stderr=subprocess.STDOUT)
    try:
        _wait(process, health, log)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    # No proxy of the environment stands between this machine and itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end_s = time.monotonic() + READY_S
    while True:
        with (
            contextlib.suppress(OSError, urllib.error.HTTPError),
            opener.open(f"http://{health}/readyz", timeout=2),
        ):
            return
        if process.poll() is not None or time.monotonic() > end_s:
            raise ControllerError(f"{log.stem} is not ready:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)
