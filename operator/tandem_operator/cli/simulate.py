"""`tandem simulate`: policies on a trace or at a fixed concurrency, latency first."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as TextTable

from tandem_operator.simulation.drift import DRIFTS, DriftError, drifting
from tandem_operator.simulation.oracle import Oracle
from tandem_operator.simulation.policies import PolicyError, policy_of
from tandem_operator.simulation.profile import Engine, ProfileError, read_profile
from tandem_operator.simulation.report import Outcome, report_of
from tandem_operator.simulation.run import World
from tandem_operator.simulation.run import run as simulate
from tandem_operator.simulation.trace import Trace, TraceError, closed_loop, read_trace, scaled
from tandem_operator.tuning import Settings, Thresholds

POLICIES = "goodput,static,fixed:3,off,oracle"
_WRONG_USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    load = parser.add_mutually_exclusive_group(required=True)
    load.add_argument("--trace", type=Path, help="CSV: arrival_s,input_tokens,output_tokens")
    load.add_argument("--concurrency", type=int, help="a closed loop of so many clients")
    parser.add_argument("--profile", type=Path, required=True, help="engine profile (JSON)")
    parser.add_argument("--policy", default=POLICIES, help=f"comma-separated; default {POLICIES}")
    parser.add_argument("--drift", default="none", help=f"of acceptance: {', '.join(DRIFTS)}")
    parser.add_argument("--rate", type=float, default=1.0, help="times the load of the trace")
    parser.add_argument("--horizon", type=float, default=3600.0, help="simulated seconds at most")
    parser.add_argument("--scrape", type=float, default=2.0, help="seconds between two scrapes")
    parser.add_argument("--stock", action="store_true", help="the engine's own counters alone")
    parser.add_argument("--start-profile", action="store_true", help="the tuner knows the profile")
    parser.add_argument("--stabilization", type=float, default=30.0, help="stabilizationSeconds")
    parser.add_argument("--min-acceptance", type=float, help="guard rail, percent")
    parser.add_argument("--max-concurrency", type=int, help="guard rail, decoding requests")
    parser.add_argument("--max-tokens", type=int, help="deepest K; default: the profile's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", choices=("text", "json"), default="text")
    parser.add_argument("--plot", type=Path, help="write a PNG")


def run(arguments: argparse.Namespace) -> int:
    try:
        engine = read_profile(arguments.profile)
        world = world_of(arguments, engine)
        settings = settings_of(arguments, engine)
        oracle = Oracle(world.truth, world.tiers)
        start = world.survival_at(0.0)
        names = [name.strip() for name in arguments.policy.split(",") if name.strip()]
        policies = [policy_of(name, settings, oracle, start) for name in names]
    except (ProfileError, TraceError, PolicyError, DriftError, ValueError, OSError) as problem:
        print(f"tandem simulate: {problem}", file=sys.stderr)
        return _WRONG_USAGE
    outcomes = []
    for policy in policies:
        begun_s = time.perf_counter()
        account = simulate(world, policy)
        outcomes.append(Outcome(policy, account, time.perf_counter() - begun_s))
    report = {"profile": engine.name, "drift": arguments.drift} | report_of(world, outcomes)
    if arguments.output == "json":
        json.dump(report, sys.stdout, indent=1)
        print()
    else:
        print_report(report, Console())
    if arguments.plot is not None:
        from tandem_operator.simulation.plot import plot_outcomes

        title = f"{engine.name}, {world.trace.name}, drift {arguments.drift}"
        plot_outcomes(title, outcomes, arguments.plot)
    return 0


def world_of(arguments: argparse.Namespace, engine: Engine) -> World:
    """The world that the options describe."""
    if arguments.concurrency is not None and arguments.concurrency < 1:
        raise TraceError(f"concurrency is {arguments.concurrency}: give 1 or more")
    trace: Trace = (
        scaled(read_trace(arguments.trace), arguments.rate, arguments.seed)
        if arguments.trace is not None
        else closed_loop(
            arguments.concurrency, tuple(engine.survival), arguments.seed, requests=200_000
        )
    )
    return World(
        trace=trace,
        truth=engine.truth,
        survival_at=drifting(engine.survival, arguments.drift, arguments.seed, arguments.horizon),
        tiers=tuple(range(depth_of(arguments, engine) + 1)),
        limits=engine.limits,
        scrape_s=arguments.scrape,
        plugin=not arguments.stock,
        horizon_s=arguments.horizon,
        seed=arguments.seed,
    )


def settings_of(arguments: argparse.Namespace, engine: Engine) -> Settings:
    """The tuner's settings; guard rails only when asked for."""
    thresholds = None
    if arguments.min_acceptance is not None or arguments.max_concurrency is not None:
        share = arguments.min_acceptance
        thresholds = Thresholds(
            min_acceptance_rate=None if share is None else share / 100,
            max_concurrency=arguments.max_concurrency,
        )
    return Settings(
        max_tokens=depth_of(arguments, engine),
        mixture_of_experts=engine.mixture_of_experts,
        thresholds=thresholds,
        stabilization_s=arguments.stabilization,
        profile=engine.document if arguments.start_profile else None,
    )


def depth_of(arguments: argparse.Namespace, engine: Engine) -> int:
    asked: int | None = arguments.max_tokens
    return engine.max_tokens if asked is None else min(asked, engine.max_tokens)


def print_report(report: dict[str, Any], console: Console) -> None:
    """Latency by policy, by concurrency and by output length."""
    stops = report["stops_helping_at"]
    console.print(
        f"{report['profile']}: {report['trace']} ({report['requests'] or 'endless'} requests), "
        f"drift {report['drift']}, {report['counters']} counters. Speculation "
        + ("always helps." if stops is None else f"stops helping at {stops} requests a replica.")
    )
    table = TextTable("policy", "p50 s", "p95 s", "p99 s", "TTFT p95 s", "tokens/s", "regret %")
    table.add_column("changes")
    for name, policy in report["policies"].items():
        latency = policy["request_latency"]
        if latency is None:
            table.add_row(name, *["-"] * 7)
            continue
        table.add_row(
            name,
            *(f"{latency['end_to_end_s'][rank]:.2f}" for rank in ("p50", "p95", "p99")),
            f"{latency['first_token_s']['p95']:.2f}",
            f"{policy['tokens_per_s']:.0f}",
            f"{policy['regret_percent']:.1f}",
            str(policy["table_changes"]),
        )
    console.print(table)
    for title, key in (
        ("p50 / p95 request latency, s, by concurrency", "by_concurrency"),
        ("p50 / p95 request latency, s, by output tokens", "by_output_length"),
    ):
        console.print(_grouped(title, key, report["policies"]))


def _grouped(title: str, key: str, policies: dict[str, Any]) -> TextTable:
    groups = list(dict.fromkeys(group for policy in policies.values() for group in policy[key]))
    table = TextTable("policy", *groups, title=title, title_justify="left")
    for name, policy in policies.items():
        cells = []
        for group in groups:
            latency = policy[key].get(group)
            cells.append(
                "-"
                if latency is None
                else f"{latency['end_to_end_s']['p50']:.2f} / {latency['end_to_end_s']['p95']:.2f}"
            )
        table.add_row(name, *cells)
    return table
