"""`python -m hack.vllm env|path|lock`: the engine's environment from the command line."""

from __future__ import annotations

import sys

from hack.environment import command
from hack.vllm.environment import ensure, location
from hack.vllm.lock import lock

if __name__ == "__main__":
    sys.exit(command.run("vllm", ensure, location, lock))
