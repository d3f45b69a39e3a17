"""`python -m hack.pair train|widen|permute|measure`: makes and measures the tiny pair.

Runs itself again inside the engine's environment, which has torch; the first call makes that.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAIR_FOLDER = REPOSITORY / "examples" / "tiny-pair"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hack.pair", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train target and draft again")
    train.add_argument("--out", type=Path, default=PAIR_FOLDER)
    train.add_argument("--target-steps", type=int, default=750)
    train.add_argument("--draft-steps", type=int, default=700)
    arguments = parser.parse_args()
    _enter_engine_environment()
    if arguments.command == "train":
        from hack.pair.train import train_pair

        train_pair(arguments.out, arguments.target_steps, arguments.draft_steps)
    return 0


def _enter_engine_environment() -> None:
    if find_spec("torch") and find_spec("transformers"):
        return
    from hack.vllm.environment import ensure

    python = ensure() / "bin" / "python"
    os.chdir(REPOSITORY)
    os.execv(python, [str(python), "-m", "hack.pair", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
