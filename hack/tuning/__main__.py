"""`python -m hack.tuning`: the tuner against every fixed K on a real engine.

Four closed loops of a tiny pair on CPUs, in blocks: the tuner, speculation off, K = 1, 3, 5, 7, in
random order, with the plugin in all of them. A run takes about two hours; it may be stopped and
goes on where it ended. Figures of a machine that does other work meanwhile are not worth keeping:
the A/A control tells.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hack.pair.__main__ import PAIR_FOLDER
from hack.tuning import run
from hack.vllm.environment import EnvironmentMissingError, cache_folder
from hack.vllm.server import ServerFailedError
from tandem_operator.bench.endpoint import EndpointError
from tandem_operator.bench.measure import Times
from tandem_operator.bench.state import StateError


def main() -> int:
    arguments = _parser().parse_args()
    options = run.Options(
        target=arguments.target,
        draft=arguments.draft,
        prompts=arguments.prompts,
        folder=arguments.folder,
        rounds=arguments.rounds,
        times=Times(arguments.block_s, arguments.warmup_s),
        new_tokens=arguments.new_tokens,
        limit_s=arguments.limit_s,
        seed=arguments.seed,
    )
    try:
        state = run.state_of(options)
        complete = run.measure(options, state, lambda text: print(text, flush=True))
    except (EndpointError, StateError, ServerFailedError, EnvironmentMissingError) as problem:
        print(f"bench-tuning: {problem}", file=sys.stderr)
        return 1
    return 0 if complete else 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.tuning", description=__doc__)
    parser.add_argument("--target", type=Path, required=True)
    parser.add_argument("--draft", type=Path, default=PAIR_FOLDER / "draft")
    parser.add_argument("--prompts", type=Path, default=PAIR_FOLDER / "prompts")
    parser.add_argument("--folder", type=Path, default=cache_folder() / "bench-tuning")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--block-s", type=float, default=45.0)
    parser.add_argument("--warmup-s", type=float, default=2.0)
    parser.add_argument("--new-tokens", type=int, default=96)
    parser.add_argument("--limit-s", type=float, default=3 * 3600.0)
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    sys.exit(main())
