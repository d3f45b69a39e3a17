"""Triton with the repository, and what ends it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tandem_runtime.contract import environment, paths
from tandem_runtime.tensorrt_llm import repository
from tandem_runtime.triton import supervision
from tandem_runtime.triton.supervision import EngineLostError

__all__ = ["EngineLostError", "run"]

SERVER = "tritonserver"
USUAL_SERVER = "/opt/tritonserver/bin/tritonserver"
EXIT_S = 5
"""Seconds for connections once Triton is told to end; the pod's hook has let requests end before.
"""
PORTS = {"http": 8000, "grpc": 8001, "metrics": 8002}


def run(folder: Path, config: Path, name: str, llm: Mapping[str, Any], stock: Path) -> int:
    """Write the repository and run Triton to its end; its exit status.

    Raises:
        OSError: image or files do not allow it.
        EngineLostError: the engine's process cannot start, or ends before Triton.
    """
    server = shutil.which(SERVER) or USUAL_SERVER
    if not os.access(server, os.X_OK):
        raise FileNotFoundError(f"{server} is no program: spec.engine.image has no Triton")
    repository.write(folder, name, config, llm, stock)
    words = Path(os.environ.get(environment.METRICS_DIR) or paths.METRICS)
    words.mkdir(parents=True, exist_ok=True)
    return supervision.run(
        command(server, folder),
        {**os.environ, environment.PYTHONPATH: os.pathsep.join(p for p in sys.path if p)},
        supervision.Places(words),
        lambda: True,
        0.0,
    )


def command(server: str, models: Path, host: str = "0.0.0.0") -> list[str]:  # noqa: S104
    """Triton's command line. Nobody loads or unloads models over the network."""
    words = [
        server,
        f"--model-repository={models}",
        "--model-control-mode=none",
        f"--exit-timeout-secs={EXIT_S}",
    ]
    for name, port in PORTS.items():
        words += [f"--{name}-address={host}", f"--{name}-port={port}"]
    return words
