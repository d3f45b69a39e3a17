"""`python -m hack.cluster up|down|status|binaries|load`: a Kubernetes for development and tests."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from hack.cluster import binaries, provider


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hack.cluster", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "binaries", "load"])
    parser.add_argument("archives", nargs="*", type=Path, help="of load: docker-archive files")
    parser.add_argument("--name", default=os.environ.get("CLUSTER_NAME", "tandem"))
    arguments = parser.parse_args()
    try:
        print(_do(arguments.command, arguments.name, arguments.archives))
    except provider.ERRORS as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _do(command: str, name: str, archives: list[Path]) -> str:
    match command:
        case "up":
            started_s = time.monotonic()
            cluster = provider.up(name, keep=True)
            took_s = time.monotonic() - started_s
            return f"{provider.status(name)}\n\nup in {took_s:.1f} s\n{cluster.how_to_reach()}"
        case "down":
            return provider.down(name)
        case "status":
            return provider.status(name)
        case "load":
            cluster = provider.up(name, keep=True)
            for archive in archives:
                cluster.load(archive)
            return f"loaded {len(archives)} archives into {name}"
        case _:
            return str(binaries.ensure())


if __name__ == "__main__":
    sys.exit(main())
