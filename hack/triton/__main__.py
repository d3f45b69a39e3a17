"""`python -m hack.triton env|path|lock`: the server's environment from the command line."""

from __future__ import annotations

import sys

from hack.environment import command
from hack.triton.environment import ensure, location
from hack.triton.lock import lock

if __name__ == "__main__":
    sys.exit(command.run("triton", ensure, location, lock))
