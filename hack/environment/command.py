"""`python -m hack.ENGINE env|path|lock`: an engine's environment from the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from hack.vllm.environment import EnvironmentMissingError


def run(
    engine: str,
    ensure: Callable[[], Path],
    location: Callable[[], Path],
    lock: Callable[[], None],
) -> int:
    """The exit status; what the machine lacks is told on stderr."""
    parser = argparse.ArgumentParser(prog=f"python -m hack.{engine}")
    parser.add_argument(
        "command",
        choices=["env", "path", "lock"],
        help="env: make it if need be and print its path; path: print it only; "
        "lock: resolve requirements.txt again",
    )
    command = parser.parse_args().command
    try:
        if command == "lock":
            lock()
        else:
            print(ensure() if command == "env" else location())
    except EnvironmentMissingError as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0
