"""`python -m tandem_runtime.triton.serve TARGET [options]`: Triton with the torch engine in it.

Options are those of `tandem-engine`, with `--port` for Triton's HTTP, and three more for Triton.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tandem_runtime.contract import environment, paths
from tandem_runtime.engine.server import options as engine_options
from tandem_runtime.plugin.digests import check_or_exit
from tandem_runtime.triton import control, repository, supervision

USUAL_SERVER = "/opt/tritonserver/bin/tritonserver"
EXIT_S = 5
"""Seconds that Triton gives its connections once it is told to end, idle ones too."""
_GAUGES = ("vllm:num_requests_running", "vllm:num_requests_waiting")


def main() -> None:
    """Serve until SIGTERM; ends with a sentence where files or server do not allow it."""
    check_or_exit()
    sys.exit(serve(sys.argv[1:]))


def serve(arguments: Sequence[str]) -> int:
    """Write the repository and run Triton to its end; its exit status."""
    own, engine_words = _parse(arguments)
    engine = engine_options.parse(engine_words)
    server = _server(own.tritonserver)
    folder = Path(os.environ.get(environment.METRICS_DIR) or paths.METRICS)
    name = engine.served_model_name or engine.target.resolve().name
    with TemporaryDirectory(prefix="tandem-triton-") as models:
        try:
            control.make_key(folder)
            repository.write(Path(models), name, engine_words)
            words = _words(server, Path(models), engine, own)
            return supervision.run(
                words,
                _environ(server),
                supervision.Places(folder),
                lambda: _idle(own.metrics_port),
                engine.drain_seconds,
            )
        except (OSError, supervision.EngineLostError) as error:
            sys.exit(f"tandem: {error}")


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(prog="tandem-triton", allow_abbrev=False, add_help=False)
    parser.add_argument("--tritonserver", help=f"the server; default: on PATH, or {USUAL_SERVER}")
    parser.add_argument("--grpc-port", type=int, default=8001)
    parser.add_argument("--metrics-port", type=int, default=8002)
    return parser.parse_known_args(list(arguments))


def _server(given: str | None) -> Path:
    executable = given or shutil.which("tritonserver") or USUAL_SERVER
    if not os.access(executable, os.X_OK):
        sys.exit(
            f"tandem: {executable} is no program: take an image with Triton, or --tritonserver"
        )
    return Path(executable).resolve()


def _words(
    server: Path, models: Path, engine: argparse.Namespace, own: argparse.Namespace
) -> list[str]:
    ports = {"http": engine.port, "grpc": own.grpc_port, "metrics": own.metrics_port}
    words = [
        str(server),
        f"--model-repository={models}",
        f"--backend-directory={server.parent.parent / 'backends'}",
        # Nobody loads or unloads models over the network: the default, said because it matters.
        "--model-control-mode=none",
        "--disable-auto-complete-config",
        "--allow-gpu-metrics=false",
        f"--exit-timeout-secs={EXIT_S}",
    ]
    for name, port in ports.items():
        words += [f"--{name}-address={engine.host}", f"--{name}-port={port}"]
    return words


def _idle(metrics_port: int) -> bool:
    """Whether no request runs or waits, by Triton's own page; True where there is no page."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics", timeout=5) as page:
            lines = page.read().decode().splitlines()
    except OSError:
        return True
    return not any(float(line.split()[-1]) for line in lines if line.startswith(_GAUGES))


def _environ(server: Path) -> dict[str, str]:
    """Where the backend's interpreter finds us and what we import, and the server its libraries."""
    libraries = [str(server.parent.parent / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]
    return {
        **os.environ,
        environment.PYTHONPATH: os.pathsep.join(place for place in sys.path if place),
        "LD_LIBRARY_PATH": os.pathsep.join(place for place in libraries if place),
    }


if __name__ == "__main__":
    main()
