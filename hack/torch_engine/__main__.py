"""`make bench-engine`: the torch engine against vLLM on this machine, on the widened tiny pair.

All servers run from the beginning; an idle one costs nothing. A round measures every engine and K
at every concurrency in a shuffled order, so that a busy neighbour hits all alike. Ratios are taken
within a round; told are their median and the second least and second greatest (all, below four).
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from hack.pair.measuring.bench import Bench, read_prompts, steerable
from hack.torch_engine.server import REPOSITORY, serve

PAIR = REPOSITORY / "examples" / "tiny-pair"
ALONE = "torch alone"
DEPTHS = (0, 1, 3, 5, 7)
CONCURRENCIES = (1, 4, 8, 16)
TOKENS = {1: 64, 4: 48, 8: 32, 16: 32}

Rates = dict[tuple[str, int], list[float]]
"""Tokens a second by engine and K, one a round."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hack.torch_engine", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, nargs="+", default=list(CONCURRENCIES))
    parser.add_argument("--threads", type=int, default=2, help="of the torch engine")
    parser.add_argument("--no-vllm", action="store_true", help="the torch engine alone")
    parser.add_argument(
        "--short", action="store_true", help="a minute: as --rounds 3 --concurrency 1 --no-vllm"
    )
    words = parser.parse_args()
    if words.short:
        words.rounds, words.concurrency, words.no_vllm = 3, [1], True
    widened = _widened()
    sizes = ("--max-model-len", "512", "--max-num-seqs", "32", "--kv-cache-mib", "256")
    drafting = ("--method", "draft_model", "--draft", str(PAIR / "draft"))
    deepest = ("--num-speculative-tokens", str(max(DEPTHS)), "--initial-tokens", "0")
    with ExitStack() as stack:
        benches: dict[str, Bench] = {}
        for name, more in (("torch", (*drafting, *deepest)), (ALONE, ())):
            server = stack.enter_context(
                serve(widened, *sizes, *more, threads=words.threads, name="tiny")
            )
            benches[name] = Bench(server.url, server.table)
        if not words.no_vllm:
            benches["vllm"] = Bench(*stack.enter_context(steerable(widened, PAIR / "draft")))
        for concurrency in words.concurrency:
            rates: Rates = {}
            for number in range(words.rounds):
                _round(benches, concurrency, number, rates)
            _tell(concurrency, rates)
    return 0


def _round(benches: Mapping[str, Bench], concurrency: int, number: int, rates: Rates) -> None:
    draw = random.Random(100 * concurrency + number)
    prompts = draw.sample(read_prompts(PAIR / "prompts", "code"), max(concurrency, 2))
    cases = [(name, k) for name in benches for k in (DEPTHS if name != ALONE else (0,))]
    for name, k in draw.sample(cases, len(cases)):
        if name != ALONE:  # which has no K to set
            benches[name].set_tokens(k)
        load = benches[name].drive(prompts, concurrency, TOKENS.get(concurrency, 32))
        rates.setdefault((name, k), []).append(load.tokens_per_s)


def _tell(concurrency: int, rates: Rates) -> None:
    print(f"\nconcurrency {concurrency}, tokens/s (median of {len(next(iter(rates.values())))})")
    for name in dict.fromkeys(name for name, _ in rates):
        shown = {k: statistics.median(r) for (n, k), r in sorted(rates.items()) if n == name}
        print(f"  {name}: " + ", ".join(f"K={k} {rate:.0f}" for k, rate in shown.items()))
    best = _best(rates, "torch")
    print(f"  torch, best K ({best}) / K=0: {_ratio(rates['torch', best], rates['torch', 0])}")
    alone = rates.get((ALONE, 0))
    if alone:
        print(f"  torch, K=0 / started without a draft: {_ratio(rates['torch', 0], alone)}")
    if ("vllm", 0) in rates:
        other = _best(rates, "vllm")
        print(
            f"  best of torch / best of vLLM (K={other}): "
            f"{_ratio(rates['torch', best], rates['vllm', other])}",
            flush=True,
        )


def _best(rates: Rates, name: str) -> int:
    of = {k: statistics.median(r) for (n, k), r in rates.items() if n == name}
    return max(of, key=lambda k: of[k])


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    cut = 1 if len(ratios) >= 4 else 0
    return f"{statistics.median(ratios):.2f} ({ratios[cut]:.2f} to {ratios[-1 - cut]:.2f})"


def _widened() -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "hack.pair", "widen"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
