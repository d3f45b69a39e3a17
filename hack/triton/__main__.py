"""`python -m hack.triton env|path|lock`: the server's environment from the command line."""

from __future__ import annotations

import argparse
import sys

from hack.triton.environment import ensure, location
from hack.triton.lock import lock
from hack.vllm.environment import EnvironmentMissingError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hack.triton", description=__doc__)
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


if __name__ == "__main__":
    sys.exit(main())
