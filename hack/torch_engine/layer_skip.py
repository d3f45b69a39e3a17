"""`python -m hack.torch_engine.layer_skip`: what LayerSkip gains, with and without early exit.

The tiny target as it is and its copy that was trained for early exit, both widened to a bigger
model's cost, are served by turns in one run; each drafts with its own first layer. Told are the
share of drafts that were accepted and the tokens a second at each K, one client, code.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from hack.pair.measuring.bench import Bench, Load, read_prompts
from hack.torch_engine.server import REPOSITORY, serve

PAIR = REPOSITORY / "examples" / "tiny-pair"
DEPTHS = (0, 1, 2, 3, 5)
PROMPTS = 6
TOKENS = 64


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hack.torch_engine.layer_skip")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    copy = Path(_pair("early-exit"))
    targets = {"as trained": PAIR / "target", "trained for early exit": copy}
    with ExitStack() as stack:
        benches: dict[str, Bench] = {}
        for name, target in targets.items():
            server = stack.enter_context(
                serve(
                    Path(_pair("widen", "--source", str(target))),
                    "--method", "layer_skip", "--exit-layer", "1", "--max-model-len", "512",
                    "--num-speculative-tokens", str(max(DEPTHS)), "--kv-cache-mib", "256",
                )
            )  # fmt: skip
            benches[name] = Bench(server.url, server.table)
        loads = _measure(benches, rounds)
    for name in benches:
        print(f"{name}:")
        for depth in DEPTHS:
            _tell(depth, loads[name, depth], loads[name, 0])
    return 0


def _measure(benches: dict[str, Bench], rounds: int) -> dict[tuple[str, int], list[Load]]:
    """Every target at every K in each round, in an order drawn anew."""
    loads: dict[tuple[str, int], list[Load]] = {}
    cases = [(name, depth) for name in benches for depth in DEPTHS]
    for number in range(rounds):
        draw = random.Random(number)
        prompts = draw.sample(read_prompts(PAIR / "prompts", "code"), PROMPTS)
        for name, depth in draw.sample(cases, len(cases)):
            benches[name].set_tokens(depth)
            load = benches[name].drive(prompts, 1, TOKENS)
            loads.setdefault((name, depth), []).append(load)
    return loads


def _tell(depth: int, loads: list[Load], without: list[Load]) -> None:
    ratios = [a.tokens_per_s / b.tokens_per_s for a, b in zip(loads, without, strict=True)]
    drafted = sum(sum(load.reached) for load in loads)
    accepted = sum(sum(load.accepted) for load in loads)
    share = f", {accepted / drafted:.2f} of the drafts accepted" if drafted else ""
    rate = statistics.median(load.tokens_per_s for load in loads)
    print(f"  K={depth}: {rate:.0f} tokens/s, x {statistics.median(ratios):.2f} of K=0{share}")


def _pair(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hack.pair", *words],
        cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    sys.exit(main())
