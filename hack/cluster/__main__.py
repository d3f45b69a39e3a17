"""`python -m hack.cluster up|down|status|binaries`: a Kubernetes for development and tests."""

from __future__ import annotations

import argparse
import os
import sys

from hack.cluster import binaries, provider
from hack.cluster.binaries import MissingProgramError
from hack.cluster.network import NetworkError
from hack.cluster.processes import StartError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hack.cluster", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "binaries"])
    parser.add_argument("--name", default=os.environ.get("CLUSTER_NAME", "tandem"))
    arguments = parser.parse_args()
    try:
        print(_do(arguments.command, arguments.name))
    except (MissingProgramError, StartError, NetworkError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _do(command: str, name: str) -> str:
    match command:
        case "up":
            held = provider.up(name, keep=True)
            return f"export KUBECONFIG={held.kubeconfig}\n{provider.status(name)}"
        case "down":
            return provider.down(name)
        case "status":
            return provider.status(name)
        case _:
            return str(binaries.ensure())


if __name__ == "__main__":
    sys.exit(main())
