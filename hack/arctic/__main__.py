"""`python -m hack.arctic env|path|lock`: the package's folder from the command line."""

from __future__ import annotations

import sys

from hack.arctic.environment import ensure, location
from hack.arctic.lock import lock
from hack.environment import command

if __name__ == "__main__":
    sys.exit(command.run("arctic", ensure, location, lock))
