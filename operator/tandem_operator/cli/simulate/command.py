"""The arguments of `tandem simulate`, and what it prints."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from tandem_operator.cli import output
from tandem_operator.cli.loads import read
from tandem_operator.cli.loads.prometheus import option, range_of, selector_of
from tandem_operator.cli.simulate import options, profiles, runs
from tandem_operator.cli.simulate.cost import cost_of
from tandem_operator.simulation.results.report import Outcome, report_of
from tandem_operator.simulation.results.text import print_report
from tandem_operator.simulation.world.drift import DRIFTS
from tandem_operator.simulation.world.engine_drift import ENGINE_DRIFTS
from tandem_operator.simulation.world.load.trace import Trace

_WRONG_USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    load = parser.add_mutually_exclusive_group(required=True)
    load.add_argument(
        "--trace",
        metavar="FILE",
        help="CSV (arrival_s,input_tokens,output_tokens), an Azure trace, responses of the OpenAI "
        "API as JSON lines, or a log of vLLM; - reads standard input",
    )
    load.add_argument(
        "--concurrency", type=int, help="instead of a trace: so many clients in a closed loop"
    )
    load.add_argument(
        "--prometheus",
        metavar="URL",
        help="instead of a trace: the load of one replica, as recorded by a Prometheus",
    )
    parser.add_argument(
        "--trace-format",
        choices=read.FORMS,
        help="format of the trace; default: recognized by the first line",
    )
    parser.add_argument(
        "--range",
        type=option(range_of),
        metavar="TIME",
        help="time range for --prometheus, as 24h or 7d; default 1h",
    )
    parser.add_argument(
        "--selector",
        type=option(selector_of),
        help='labels for --prometheus, as namespace="serving",pod=~"a.*"',
    )
    parser.add_argument(
        "--prometheus-ca", type=Path, metavar="FILE", help="CA certificates for --prometheus"
    )
    parser.add_argument(
        "--prometheus-token-file",
        type=Path,
        metavar="FILE",
        help="file of a bearer token for --prometheus",
    )
    parser.add_argument(
        "--profile",
        required=True,
        metavar="NAME|FILE",
        help=f"engine profile: one of {', '.join(profiles.names())}, or a file",
    )
    parser.add_argument(
        "--policy",
        default=options.POLICIES,
        help=f"comma-separated, of goodput, thresholds, static, fixed:K, {runs.BEST_FIXED} (each K "
        "is run), off, removed (no draft loaded), informed and oracle; "
        f"default {options.POLICIES}",
    )
    parser.add_argument(
        "--drift", default="none", help=f"change of acceptance: {', '.join(DRIFTS)}"
    )
    parser.add_argument(
        "--engine-drift", default="none", help=f"change of step times: {', '.join(ENGINE_DRIFTS)}"
    )
    parser.add_argument("--rate", type=float, default=1.0, help="multiply the load of the trace")
    parser.add_argument(
        "--horizon",
        type=float,
        help="simulate at most so many seconds; default: --range, else 3600",
    )
    parser.add_argument("--scrape", type=float, default=2.0, help="seconds between scrapes")
    parser.add_argument(
        "--stock",
        action="store_true",
        help="use only the engine's own counters, as without the plugin",
    )
    parser.add_argument(
        "--start-profile", action="store_true", help="start the tuner with the profile"
    )
    parser.add_argument(
        "--stabilization", type=float, default=30.0, help="stabilizationSeconds of the tuner"
    )
    parser.add_argument(
        "--min-acceptance", type=float, help="guardrail: minimum acceptance rate, percent"
    )
    parser.add_argument(
        "--max-concurrency", type=int, help="guardrail: maximum number of running requests"
    )
    parser.add_argument("--max-tokens", type=int, help="largest K; default: the profile's")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything drawn; default 0")
    parser.add_argument(
        "--gpu-hour-price",
        type=float,
        metavar="PRICE",
        help="price of one GPU hour: adds the cost of tokens to the report",
    )
    parser.add_argument("--gpus", type=int, help="GPUs of one replica, for the cost; default 1")
    parser.add_argument(
        "--jobs", type=int, help="number of parallel runs; default: one for each core"
    )
    output.add_arguments(parser)
    parser.add_argument("--plot", type=Path, help="write a plot (PNG)")


def run(arguments: argparse.Namespace) -> int:
    """Play the policies, print what they came to; returns the exit status."""
    try:
        options.check(arguments)
        trace = options.trace_of(arguments)
        ready = runs.prepared(arguments, trace)
        for name in runs.runs_of(options.names_of(arguments), ready.settings):
            ready.policy(name)
    except OSError as problem:
        return _refuse(f"{problem.filename}: {problem.strerror}")
    except ValueError as problem:
        return _refuse(str(problem))
    outcomes = _played(arguments, trace, ready)
    engine = options.engine_of(arguments.profile)
    if arguments.plot is not None:
        from tandem_operator.simulation.results.plot import plot_outcomes

        title = f"{engine.name}, {trace.name}, drift {arguments.drift}"
        if arguments.engine_drift != "none":
            title += f", engine drift {arguments.engine_drift}"
        try:
            plot_outcomes(title, outcomes, arguments.plot)
        except OSError as problem:
            return _refuse(f"--plot {arguments.plot}: {problem.strerror}")
    drifts = {"drift": arguments.drift, "engine_drift": arguments.engine_drift}
    report = {"profile": engine.name} | drifts | report_of(ready.world, outcomes)
    if arguments.gpu_hour_price is not None:
        _price(report, outcomes, arguments.gpu_hour_price, arguments.gpus or 1)
    if arguments.output != output.TEXT:
        output.write(report, arguments.output)
    else:
        print_report(report, output.console())
    return 0


def _played(arguments: argparse.Namespace, trace: Trace, ready: runs.Prepared) -> list[Outcome]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = output.console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("simulating", total=None)

        def moved(done: int, planned: int, name: str) -> None:
            bar.update(task, completed=done, total=planned, description=f"{name} done")

        return runs.outcomes_of(arguments, trace, ready, moved)


def _price(report: dict[str, Any], outcomes: list[Outcome], price: float, gpus: int) -> None:
    """Put the cost of a million output tokens beside the rest of each policy."""
    for outcome in outcomes:
        cost = cost_of(outcome.account, price, gpus)
        report["policies"][outcome.policy.name]["cost_per_million_tokens"] = cost


def _refuse(problem: str) -> int:
    print(f"tandem simulate: {problem}", file=sys.stderr)
    return _WRONG_USAGE
