"""`python -m hack.pair --help`: makes the tiny pair and its variants, and measures them.

What needs torch runs itself again inside the engine's environment; the first call makes that.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAIR_FOLDER = REPOSITORY / "examples" / "tiny-pair"
_WITH_TORCH = ("target", "draft", "prompts", "widen", "permute", "eagle", "early-exit")
_WIDE_PARAMETERS = 60_000_000


def main() -> int:
    arguments = _parser().parse_args()
    # A stop from outside must still end the engine that a measurement started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if arguments.command in _WITH_TORCH:
        _enter_engine_environment()
    match arguments.command:
        case "target":
            from hack.pair.training.train import train_target

            train_target(arguments.out, arguments.steps)
        case "draft":
            from hack.pair.training.train import train_draft

            train_draft(arguments.out, arguments.steps)
        case "prompts":
            from hack.pair.measuring.prompts import write_prompts
            from hack.pair.training.corpus import read_corpus

            write_prompts(read_corpus(), arguments.pair, arguments.out)
        case "widen":
            from hack.pair.variants.widen import widen

            print(widen(arguments.source, arguments.parameters, arguments.out))
        case "permute":
            from hack.pair.variants.permute import permute

            permute(arguments.source, arguments.out)
        case "eagle":
            from hack.pair.variants import eagle

            print(eagle.make(arguments.target, arguments.prompts))
        case "early-exit":
            from hack.pair.variants import early_exit

            print(early_exit.make(arguments.target, arguments.steps))
        case "measure":
            from hack.pair.measuring.measure import measure

            measure(
                arguments.target, arguments.draft, arguments.prompts, arguments.count,
                arguments.temperature,
            )  # fmt: skip
        case "bestk":
            from hack.pair.measuring.bestk import measure_best_k

            return measure_best_k(
                arguments.target, arguments.draft, arguments.prompts, arguments.kind,
                arguments.rounds,
            )  # fmt: skip
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.pair", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    target = commands.add_parser("target", help="train the target again, about ten minutes")
    target.add_argument("--out", type=Path, default=PAIR_FOLDER)
    target.add_argument("--steps", type=int, default=750)
    draft = commands.add_parser(
        "draft", help="distil the draft again from the target that is there"
    )
    draft.add_argument("--out", type=Path, default=PAIR_FOLDER)
    draft.add_argument("--steps", type=int, default=400)
    prompts = commands.add_parser("prompts", help="cut prompts from text that was held out")
    prompts.add_argument("--pair", type=Path, default=PAIR_FOLDER)
    prompts.add_argument("--out", type=Path, default=PAIR_FOLDER / "prompts")
    widen = commands.add_parser("widen", help="same function as the target, a bigger model's cost")
    widen.add_argument("--source", type=Path, default=PAIR_FOLDER / "target")
    widen.add_argument("--out", type=Path, help="default: a folder in the cache, printed")
    widen.add_argument("--parameters", type=int, default=_WIDE_PARAMETERS)
    permute = commands.add_parser("permute", help="a draft of the same size with other ids")
    permute.add_argument("--source", type=Path, default=PAIR_FOLDER / "draft")
    permute.add_argument("--out", type=Path, required=True)
    eagle = commands.add_parser("eagle", help="an EAGLE head for the target, kept in the cache")
    eagle.add_argument("--target", type=Path, default=PAIR_FOLDER / "target")
    eagle.add_argument("--prompts", type=Path, default=PAIR_FOLDER / "prompts")
    early_exit = commands.add_parser(
        "early-exit", help="a copy of the target that drafts with its own first layer (LayerSkip)"
    )
    early_exit.add_argument("--target", type=Path, default=PAIR_FOLDER / "target")
    early_exit.add_argument("--steps", type=int, default=300)
    measure = commands.add_parser("measure", help="acceptance rate by kind of prompt, in vLLM")
    bestk = commands.add_parser("bestk", help="step times and the best K at two concurrencies")
    for command in (measure, bestk):
        command.add_argument("--target", type=Path, default=PAIR_FOLDER / "target")
        command.add_argument("--draft", type=Path, default=PAIR_FOLDER / "draft")
        command.add_argument("--prompts", type=Path, default=PAIR_FOLDER / "prompts")
    measure.add_argument("--count", type=int, default=48, help="prompts of each kind")
    measure.add_argument("--temperature", type=float, default=0.0)
    bestk.add_argument("--kind", default="code", help="which prompts (default %(default)s)")
    bestk.add_argument("--rounds", type=int, default=8)
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
