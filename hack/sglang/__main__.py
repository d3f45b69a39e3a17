"""`python -m hack.sglang env|path|lock`: SGLang's own checks from the command line."""

from __future__ import annotations

import sys

from hack.environment import command
from hack.sglang.environment import ensure, location, lock

if __name__ == "__main__":
    sys.exit(command.run("sglang", ensure, location, lock))
