"""How good the tuner is on cases drawn from seeds, by counters, stabilization and scrape interval.

`python -m tandem_operator.simulation.evaluation --profiles FOLDER --seeds 1-12` prints every figure
that the tuner is held to. Use seeds that were not used in development.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tandem_operator.simulation.scoring.case import COUNTERS, Setup, score
from tandem_operator.simulation.scoring.scores import (
    Figure,
    Score,
    document_of,
    figures_of,
    worst_harm,
)
from tandem_operator.simulation.world.profile import read_profile


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    engines = [read_profile(path) for path in sorted(arguments.profiles.glob("*.json"))]
    if not engines:
        print(f"no profile (*.json) in {arguments.profiles}", file=sys.stderr)
        return 2
    setups = [
        Setup(counters, stabilization_s, scrape_s)
        for counters, stabilization_s, scrape_s in itertools.product(
            arguments.counters, arguments.stabilization, arguments.scrape
        )
    ]
    scores_by_setup: dict[Setup, list[Score]] = {}
    for setup in setups:
        scores_by_setup[setup] = []
        for seed in arguments.seeds:
            engine = engines[seed % len(engines)]
            one = score(engine, seed, setup, arguments.horizon)
            scores_by_setup[setup].append(one)
            print(f"{setup}: {line_of(one)}", file=sys.stderr, flush=True)
    if arguments.output == "json":
        json.dump(
            {
                str(setup): document_of(scores, setup.stock)
                for setup, scores in scores_by_setup.items()
            },
            sys.stdout,
            indent=1,
        )
        print()
    else:
        print_table(scores_by_setup, Console(width=None if sys.stdout.isatty() else 160))
    return 0


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description="Score the tuner on cases drawn from seeds.")
    options.add_argument("--profiles", type=Path, required=True, help="folder of profiles")
    options.add_argument("--seeds", type=seeds, default="1-12", help="first-last")
    options.add_argument("--horizon", type=float, default=3600.0, help="simulated seconds a case")
    options.add_argument("--counters", type=counters, default=",".join(COUNTERS))
    options.add_argument("--stabilization", type=numbers, default="0,30", help="seconds, ...")
    options.add_argument("--scrape", type=numbers, default="2,10", help="seconds, ...")
    options.add_argument("--output", choices=("text", "json"), default="text")
    return options


def seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def counters(text: str) -> list[str]:
    """Raises ValueError for others than `COUNTERS`."""
    names = text.split(",")
    if not set(names) <= set(COUNTERS):
        raise ValueError(text)
    return names


def line_of(one: Score) -> str:
    return (
        f"{one.seed:4d} regret {one.regret:5.2f} % (any table {one.floor:.2f} %), first minutes "
        f"{one.first_regret:5.2f} %, with a profile {one.start_regret:5.2f} %, "
        f"{one.changes:3.0f} changes an hour, {one.case}"
    )


def print_table(scores_by_setup: dict[Setup, list[Score]], console: Console) -> None:
    """One column a setup: mean or median, then the worst; a star where a limit is passed."""
    table = Table(
        "figure",
        "asked, plugin",
        *(str(setup).replace(", ", "\n") for setup in scores_by_setup),
        title="mean or median / worst; * passes its limit",
        title_justify="left",
    )
    columns = [figures_of(scores, setup.stock) for setup, scores in scores_by_setup.items()]
    for wanted, row in zip(figures_of((), stock=False), zip(*columns, strict=True), strict=True):
        table.add_row(wanted.name, limits_of(wanted), *map(cell, row))
    harms = [worst_harm(scores) for scores in scores_by_setup.values()]
    table.add_row(
        "worst 10 minutes against no speculation, %",
        "",
        *("-" if harm is None else f"{100 * harm.against_bare:.1f}" for harm in harms),
    )
    table.add_row(
        "tax of the idle draft in them, %",
        "",
        *("-" if harm is None else f"{100 * harm.tax:.1f}" for harm in harms),
    )
    console.print(table)


def limits_of(figure: Figure) -> str:
    limits = (figure.usual_limit, figure.worst_limit)
    return " / ".join("-" if limit is None else f"{limit:g}" for limit in limits)


def cell(figure: Figure) -> str:
    if figure.usual is None or figure.worst is None:
        return "-"
    star = "" if figure.kept else " *"
    late = f"\n{figure.unknown} of {figure.count} not" if figure.unknown else ""
    return f"{figure.usual:.1f} / {figure.worst:.1f}{star}{late}"


if __name__ == "__main__":
    sys.exit(main())
