"""`python -m hack.pair train|prompts|widen|permute`: makes the tiny pair and its variants.

`python -m hack.pair.measure` measures it. This one runs itself again inside the engine's
environment, which has torch; the first call makes that.
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
    arguments = _parser().parse_args()
    _enter_engine_environment()
    match arguments.command:
        case "train":
            from hack.pair.train import train_pair

            train_pair(arguments.out, arguments.target_steps, arguments.draft_steps)
        case "prompts":
            from hack.pair.corpus import read_corpus
            from hack.pair.prompts import write_prompts

            write_prompts(read_corpus(), arguments.out)
        case "widen":
            from hack.pair.widen import widen

            widen(arguments.source, arguments.out, arguments.layers, arguments.mlp)
        case "permute":
            from hack.pair.permute import permute

            permute(arguments.source, arguments.out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.pair", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train target and draft again, about ten minutes")
    train.add_argument("--out", type=Path, default=PAIR_FOLDER)
    train.add_argument("--target-steps", type=int, default=750)
    train.add_argument("--draft-steps", type=int, default=700)
    prompts = commands.add_parser("prompts", help="cut prompts from text that was held out")
    prompts.add_argument("--out", type=Path, default=PAIR_FOLDER / "prompts")
    widen = commands.add_parser("widen", help="same function as the target, a bigger model's cost")
    widen.add_argument("--source", type=Path, default=PAIR_FOLDER / "target")
    widen.add_argument("--out", type=Path, required=True)
    widen.add_argument("--layers", type=int, default=8, help="layers in all (default %(default)s)")
    widen.add_argument("--mlp", type=int, default=4096, help="MLP columns (default %(default)s)")
    permute = commands.add_parser("permute", help="a draft of the same size with other ids")
    permute.add_argument("--source", type=Path, default=PAIR_FOLDER / "draft")
    permute.add_argument("--out", type=Path, required=True)
    return parser


def _enter_engine_environment() -> None:
    if find_spec("torch") and find_spec("transformers"):
        return
    from hack.vllm.environment import ensure

    python = ensure() / "bin" / "python"
    # The caller's relative paths stay right: only the import path changes.
    environ = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    os.execve(python, [str(python), "-m", "hack.pair", *sys.argv[1:]], environ)


if __name__ == "__main__":
    sys.exit(main())
