"""`tandem simulate`: policies on a trace or at a fixed concurrency, latency first."""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

from tandem_operator.cli import output
from tandem_operator.simulation.oracle import Oracle
from tandem_operator.simulation.policies import Fixed, Policy, PolicyError, policy_of
from tandem_operator.simulation.results.report import Outcome, report_of
from tandem_operator.simulation.results.text import print_report
from tandem_operator.simulation.run import World
from tandem_operator.simulation.run import run as simulate
from tandem_operator.simulation.world.drift import DRIFTS, DriftError, drifting
from tandem_operator.simulation.world.engine_drift import ENGINE_DRIFTS, engine_drifting
from tandem_operator.simulation.world.loops import closed_loop
from tandem_operator.simulation.world.profile import Engine, ProfileError, read_profile
from tandem_operator.simulation.world.trace import Trace, TraceError, read_trace, scaled
from tandem_operator.tuning import Settings, Thresholds

POLICIES = "goodput,static,fixed:3,off,removed,oracle"
BEST_FIXED = "fixed:best"
LONGEST_S = 7 * 86_400.0
_WRONG_USAGE = 2


class OptionError(ValueError):
    """An option cannot be meant; the message names it, its value and what it may be."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    load = parser.add_mutually_exclusive_group(required=True)
    load.add_argument("--trace", type=Path, help="CSV: arrival_s,input_tokens,output_tokens")
    load.add_argument("--concurrency", type=int, help="a closed loop of so many clients")
    parser.add_argument("--profile", type=Path, required=True, help="engine profile (JSON)")
    parser.add_argument(
        "--policy",
        default=POLICIES,
        help=f"comma-separated, of goodput, thresholds, static, fixed:K, {BEST_FIXED} (each K is "
        f"run), off, removed (no draft loaded), informed and oracle; default {POLICIES}",
    )
    parser.add_argument("--drift", default="none", help=f"of acceptance: {', '.join(DRIFTS)}")
    parser.add_argument(
        "--engine-drift", default="none", help=f"of step times: {', '.join(ENGINE_DRIFTS)}"
    )
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
    output.add_arguments(parser)
    parser.add_argument("--plot", type=Path, help="write a PNG")


def run(arguments: argparse.Namespace) -> int:
    try:
        check(arguments)
        engine = read_profile(arguments.profile)
        world = world_of(arguments, engine)
        settings = settings_of(arguments, engine)
        oracle = Oracle(world.truth, world.tiers)
        start = world.survival_at(0.0)
        policies = [
            None if name == BEST_FIXED else policy_of(name, settings, oracle, start)
            for name in names_of(arguments)
        ]
    except OSError as problem:
        return _refuse(f"{problem.filename}: {problem.strerror}")
    except (ProfileError, TraceError, PolicyError, DriftError, ValueError) as problem:
        return _refuse(str(problem))
    outcomes = [
        played(world, policy) if policy else best_fixed(world, settings) for policy in policies
    ]
    if arguments.plot is not None:
        from tandem_operator.simulation.results.plot import plot_outcomes

        title = f"{engine.name}, {world.trace.name}, drift {arguments.drift}"
        if arguments.engine_drift != "none":
            title += f", engine drift {arguments.engine_drift}"
        try:
            plot_outcomes(title, outcomes, arguments.plot)
        except OSError as problem:
            return _refuse(f"--plot {arguments.plot}: {problem.strerror}")
    drifts = {"drift": arguments.drift, "engine_drift": arguments.engine_drift}
    report = {"profile": engine.name} | drifts | report_of(world, outcomes)
    if arguments.output != output.TEXT:
        output.write(report, arguments.output)
    else:
        print_report(report, output.console())
    return 0


def played(world: World, policy: Policy) -> Outcome:
    begun_s = time.perf_counter()
    account = simulate(world, policy)
    return Outcome(policy, account, time.perf_counter() - begun_s)


def best_fixed(world: World, settings: Settings) -> Outcome:
    """The fixed K that hindsight would have chosen for this very run."""
    outcomes = [played(world, Fixed(f"fixed:{depth}, best", depth)) for depth in settings.depths]
    return min(outcomes, key=lambda outcome: outcome.account.regret)


def check(arguments: argparse.Namespace) -> None:
    """Raises OptionError for what no simulation can be meant by, before anything is run."""
    clients = arguments.concurrency
    if clients is not None and clients < 1:
        raise OptionError(f"--concurrency is {clients}: give 1 or more")
    if clients is not None and arguments.rate != 1.0:
        raise OptionError("--rate is for a trace: with --concurrency the clients set the load")
    for name in ("horizon", "scrape", "rate"):
        value = getattr(arguments, name)
        if not (math.isfinite(value) and value > 0):
            raise OptionError(f"--{name} is {value:g}: give a number above 0")
    if arguments.horizon > LONGEST_S:
        raise OptionError(f"--horizon is {arguments.horizon:g}: give {LONGEST_S:g} s at most")
    if arguments.seed < 0:
        raise OptionError(f"--seed is {arguments.seed}: give 0 or more")
    if not names_of(arguments):
        raise OptionError(f"--policy is empty: give one or more, as {POLICIES}")
    share = arguments.min_acceptance
    if share is not None and not 0 <= share <= 100:
        raise OptionError(f"--min-acceptance is {share:g}: give percent, 0 to 100")
    plot = arguments.plot
    if plot is not None and plot.suffix.lower() != ".png":
        raise OptionError(f"--plot {plot}: give the name of a PNG file, as {plot.stem}.png")
    if plot is not None and not plot.absolute().parent.is_dir():
        raise OptionError(f"--plot {plot}: there is no folder {plot.parent}")


def names_of(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The policies asked for, each once."""
    names = (name.strip() for name in arguments.policy.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def world_of(arguments: argparse.Namespace, engine: Engine) -> World:
    """The world that the options describe. Raises OptionError when no request would come."""
    trace: Trace = (
        scaled(read_trace(arguments.trace), arguments.rate, arguments.seed)
        if arguments.trace is not None
        else closed_loop(arguments.concurrency, tuple(engine.survival), arguments.seed)
    )
    first_s = trace.arrivals[0].arrival_s
    if first_s >= arguments.horizon:
        raise OptionError(
            f"{arguments.trace}: the first request comes at {first_s:.10g} s, beyond the "
            f"horizon of {arguments.horizon:g} s: count arrival_s from the start of the trace, or "
            "give --horizon"
        )
    return World(
        trace=trace,
        truth=engine.truth,
        survival_at=drifting(engine.survival, arguments.drift, arguments.seed, arguments.horizon),
        truth_at=engine_drifting(engine.truth, arguments.engine_drift, arguments.horizon),
        tiers=tuple(range(depth_of(arguments, engine) + 1)),
        limits=engine.limits,
        spread=engine.spread,
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
    """The deepest K. Raises OptionError for one that the profile's engine was not started with."""
    asked: int | None = arguments.max_tokens
    if asked is None:
        return engine.max_tokens
    if not 0 <= asked <= engine.max_tokens:
        raise OptionError(
            f"--max-tokens is {asked}: give 0 to {engine.max_tokens}, the deepest of {engine.name}"
        )
    return asked


def _refuse(problem: str) -> int:
    print(f"tandem simulate: {problem}", file=sys.stderr)
    return _WRONG_USAGE
