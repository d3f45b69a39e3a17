"""`python -m hack.registry`: builds the registry for tests if need be, and prints its path."""

from __future__ import annotations

import sys

from hack.cluster.binaries import MissingProgramError
from hack.registry import server

if __name__ == "__main__":
    try:
        print(server.ensure())
    except MissingProgramError as missing:
        sys.exit(str(missing))
