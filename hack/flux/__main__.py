"""Builds Flux's controllers, for the tests that need them: `python -m hack.flux`."""

import argparse
import sys

from hack.cluster.binaries import MissingProgramError
from hack.flux import build


def main() -> int:
    """Returns the exit status."""
    argparse.ArgumentParser(prog="python -m hack.flux", description=__doc__).parse_args()
    try:
        print(build.ensure())
    except MissingProgramError as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
