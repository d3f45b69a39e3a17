"""`python -m hack.tuning.ablation`: what each mechanism of the tuner is worth, one by one.

Each is switched off by itself, from outside, and the evaluation's cases are played again. Results
are kept by the code they came from, so a run that was stopped goes on where it ended.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from hack.tuning.ablation.mechanism import WHOLE, Mechanism, together
from hack.tuning.ablation.mechanisms import MECHANISMS
from hack.tuning.ablation.outcome import PARTS, Case, Kept
from hack.tuning.ablation.report import table_of
from hack.vllm.environment import cache_folder
from tandem_operator.simulation.evaluation import counters, numbers, seeds
from tandem_operator.simulation.world.profile import read_profile

TIME_IS_UP = 3


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    engines = [read_profile(path) for path in sorted(arguments.profiles.glob("*.json"))]
    if not engines:
        print(f"no profile (*.json) in {arguments.profiles}", file=sys.stderr)
        return 2
    chosen = [one for one in MECHANISMS if not arguments.only or one.name in arguments.only]
    unknown = set(arguments.only or ()) - {one.name for one in (WHOLE, *MECHANISMS)}
    if unknown:
        names = "\n".join(one.name for one in MECHANISMS)
        print(f"no mechanism {', '.join(sorted(unknown))}; there are\n{names}", file=sys.stderr)
        return 2
    if arguments.together:
        chosen = [together(chosen)]
    kept = Kept(arguments.folder)
    cases = [
        Case(seed, kind, scrape_s, arguments.horizon)
        for scrape_s in arguments.scrape
        for kind in arguments.counters
        for seed in arguments.seeds
    ]
    ends_s = time.monotonic() + arguments.seconds
    for mechanism, case in _wanted(chosen, cases):
        for part in arguments.parts:
            if kept.read(mechanism, case, part) is not None:
                continue
            if time.monotonic() > ends_s:
                print("time is up; the same command goes on", file=sys.stderr)
                return TIME_IS_UP
            kept.play(mechanism, engines[case.seed % len(engines)], case, part)
    print(table_of(chosen, cases, kept))
    return 0


def _wanted(chosen: Sequence[Mechanism], cases: Sequence[Case]) -> Iterator[tuple[Mechanism, Case]]:
    for mechanism in (WHOLE, *chosen):
        for case in cases:
            if case.setup.stock or not mechanism.stock_only:
                yield mechanism, case


def _parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description="Score the tuner without each of its mechanisms.")
    options.add_argument("--profiles", type=Path, default=Path("examples/profiles"))
    options.add_argument("--seeds", type=seeds, default="1501-1512", help="first-last")
    options.add_argument("--horizon", type=float, default=3600.0, help="simulated seconds a case")
    options.add_argument("--counters", type=counters, default="plugin,stock")
    options.add_argument("--scrape", type=numbers, default="2,10", help="seconds, ...")
    options.add_argument("--parts", nargs="+", choices=tuple(PARTS), default=tuple(PARTS))
    options.add_argument("--only", action="append", help="a mechanism's name; may be repeated")
    options.add_argument("--together", action="store_true", help="switch those off all at once")
    options.add_argument("--seconds", type=float, default=1e9, help="end after so long")
    options.add_argument("--folder", type=Path, default=cache_folder() / "ablation")
    return options


if __name__ == "__main__":
    sys.exit(main())
