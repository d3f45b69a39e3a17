"""`python -m tandem_operator.simulation.comparison.command --profile F --run F`: how true it is.

Prints by phase and setting what a real engine did, what the simulator does, and the difference.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tandem_operator.simulation.comparison.blocks import compare
from tandem_operator.simulation.comparison.difference import (
    Difference,
    by_phase,
    document_of,
)
from tandem_operator.simulation.comparison.real_run import RealRunError, blocks_of
from tandem_operator.simulation.world.profile import ProfileError, read_profile


def main(argv: Sequence[str] | None = None) -> int:
    """0: every phase within; 1: one is not; 2: nothing to compare."""
    options = argparse.ArgumentParser(description="Compare the simulator with a real run.")
    options.add_argument("--profile", type=Path, required=True, help="fitted to the same engine")
    options.add_argument("--run", type=Path, required=True, help="measured blocks (JSON)")
    options.add_argument("--tiers", help="depths that the tuner may choose, as 0,1,3,5,7")
    options.add_argument("--output", choices=("text", "json"), default="text")
    arguments = options.parse_args(argv)
    try:
        tiers = None if arguments.tiers is None else [int(k) for k in arguments.tiers.split(",")]
        blocks = blocks_of(json.loads(arguments.run.read_text(encoding="utf-8")))
        differences = compare(read_profile(arguments.profile), blocks, tiers)
    except OSError as problem:
        print(f"{problem.filename}: {problem.strerror}", file=sys.stderr)
        return 2
    except (RealRunError, ProfileError, ValueError) as problem:
        print(problem, file=sys.stderr)
        return 2
    if arguments.output == "json":
        json.dump(document_of(differences), sys.stdout, indent=1)
        print()
    else:
        print_differences(differences, Console(width=None if sys.stdout.isatty() else 120))
    return 0 if all(one.within for one in by_phase(differences)) else 1


def print_differences(differences: Sequence[Difference], console: Console) -> None:
    table = Table("phase", "setting", "tokens/s", "", "%", "p50 s", "", "%", "p95 s", "", "%", "")
    for one in differences:
        real, played = one.measured, one.simulated
        table.add_row(
            one.phase,
            f"{one.setting} x{one.blocks}",
            f"{real.tokens_per_s:.0f}",
            f"{played.tokens_per_s:.0f}",
            f"{100 * one.tokens:+.1f}",
            f"{real.latency_p50_s:.2f}",
            f"{played.latency_p50_s:.2f}",
            f"{100 * one.p50:+.1f}",
            f"{real.latency_p95_s:.2f}",
            f"{played.latency_p95_s:.2f}",
            f"{100 * one.p95:+.1f}",
            "" if one.within else "*",
        )
    console.print("Measured, simulated, difference; * beyond 10 % of tokens/s or 15 % of latency")
    console.print(table)
    for phase in by_phase(differences):
        console.print(
            f"{phase.phase}: mean size of the difference {100 * phase.tokens:.1f} % of tokens/s, "
            f"{100 * phase.p50:.1f} % of p50, {100 * phase.p95:.1f} % of p95: "
            + ("within" if phase.within else "not within")
        )


if __name__ == "__main__":
    sys.exit(main())
