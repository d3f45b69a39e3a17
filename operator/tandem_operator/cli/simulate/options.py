"""What the words of `tandem simulate` mean: the engine, the load, the world and the settings."""

from __future__ import annotations

import argparse
import math
from datetime import UTC, datetime

from tandem_operator.cli.loads import prometheus, read
from tandem_operator.cli.loads.prometheus import Server
from tandem_operator.cli.simulate import profiles
from tandem_operator.simulation.run import World
from tandem_operator.simulation.world.drift import drifting
from tandem_operator.simulation.world.engine_drift import engine_drifting
from tandem_operator.simulation.world.load.loops import closed_loop
from tandem_operator.simulation.world.load.trace import Trace, scaled
from tandem_operator.simulation.world.profile import Engine, read_profile
from tandem_operator.tuning import Settings, Thresholds

POLICIES = "goodput,static,fixed:3,off,removed,oracle"
HOUR_S = 3600.0
MOST_CLIENTS = 4096
"""As many as `tuning.thresholds.maxConcurrency` may name."""
LONGEST_S = 7 * 86_400.0
OF_PROMETHEUS = ("range", "selector", "prometheus_ca", "prometheus_token_file")


class OptionError(ValueError):
    """An option cannot be meant; the message names it, its value and what it may be."""


def check(arguments: argparse.Namespace) -> None:
    """Raises OptionError for what no simulation can be meant by, before anything is run."""
    clients = arguments.concurrency
    if clients is not None and not 1 <= clients <= MOST_CLIENTS:
        raise OptionError(f"--concurrency is {clients}: give 1 to {MOST_CLIENTS}")
    if clients is not None and arguments.rate != 1.0:
        raise OptionError("--rate is for a trace: with --concurrency the clients set the load")
    if arguments.trace_format is not None and arguments.trace is None:
        raise OptionError("--trace-format is for --trace alone: leave it out")
    for name in OF_PROMETHEUS if arguments.prometheus is None else ():
        if getattr(arguments, name) is not None:
            raise OptionError(f"--{name.replace('_', '-')} is for --prometheus alone: leave it out")
    for name in ("horizon", "scrape", "rate", "range", "gpu_hour_price"):
        value = getattr(arguments, name)
        if value is not None and not (math.isfinite(value) and value > 0):
            raise OptionError(f"--{name.replace('_', '-')} is {value:g}: give a number above 0")
    for name in ("horizon", "range"):
        value = getattr(arguments, name)
        if value is not None and value > LONGEST_S:
            raise OptionError(f"--{name} is {value:g} s: give {LONGEST_S:g} s at most")
    for name, least in (("seed", 0), ("jobs", 1), ("gpus", 1), ("max_concurrency", 1)):
        value = getattr(arguments, name)
        if value is not None and value < least:
            raise OptionError(f"--{name.replace('_', '-')} is {value}: give {least} or more")
    if not (math.isfinite(arguments.stabilization) and arguments.stabilization >= 0):
        raise OptionError(
            f"--stabilization is {arguments.stabilization:g}: give seconds, 0 or more"
        )
    if arguments.gpus is not None and arguments.gpu_hour_price is None:
        raise OptionError("--gpus is for --gpu-hour-price alone: leave it out")
    if not names_of(arguments):
        raise OptionError(f"--policy is empty: give one or more, as {POLICIES}")
    share = arguments.min_acceptance
    if share is not None and not 0 <= share <= 100:
        raise OptionError(f"--min-acceptance is {share:g}: give percent, 0 to 100")
    for name in ("prometheus_ca", "prometheus_token_file"):
        file = getattr(arguments, name)
        if file is not None and not file.is_file():
            raise OptionError(f"--{name.replace('_', '-')} {file}: there is no such file")
    plot = arguments.plot
    if plot is not None and plot.suffix.lower() != ".png":
        raise OptionError(f"--plot {plot}: give the name of a PNG file, as {plot.stem}.png")
    if plot is not None and not plot.absolute().parent.is_dir():
        raise OptionError(f"--plot {plot}: there is no folder {plot.parent}")


def names_of(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The policies asked for, each once."""
    names = (name.strip() for name in arguments.policy.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def engine_of(given: str) -> Engine:
    """The engine of a bundled profile or of a file. Raises ProfileError and OSError."""
    return read_profile(profiles.path_of(given))


def trace_of(arguments: argparse.Namespace) -> Trace:
    """The load. Raises TraceError and OSError."""
    if arguments.concurrency is not None:
        segments = tuple(engine_of(arguments.profile).survival)
        return closed_loop(arguments.concurrency, segments, arguments.seed)
    if arguments.prometheus is not None:
        ca, token = arguments.prometheus_ca, arguments.prometheus_token_file
        server = Server(arguments.prometheus, arguments.selector or "", ca, token)
        now = datetime.now(UTC).replace(microsecond=0)
        trace = prometheus.read(server, arguments.range or HOUR_S, now, arguments.seed)
    else:
        trace = read.read(arguments.trace, arguments.trace_format)
    return scaled(trace, arguments.rate, arguments.seed)


def horizon_of(arguments: argparse.Namespace) -> float:
    """Simulated seconds at most: what is asked for, else Prometheus' range, else an hour."""
    return float(arguments.horizon or arguments.range or HOUR_S)


def world_of(arguments: argparse.Namespace, engine: Engine, trace: Trace) -> World:
    """The world that the options describe. Raises OptionError when no request would come."""
    first_s, horizon_s = trace.arrivals[0].arrival_s, horizon_of(arguments)
    if first_s >= horizon_s:
        place = arguments.trace or trace.name
        raise OptionError(
            f"{place}: the first request comes at {first_s:.10g} s, beyond the horizon of "
            f"{horizon_s:g} s: count arrival_s from the start of the trace, or "
            "give --horizon"
        )
    return World(
        trace=trace,
        truth=engine.truth,
        survival_at=drifting(engine.survival, arguments.drift, arguments.seed, horizon_s),
        truth_at=engine_drifting(engine.truth, arguments.engine_drift, horizon_s),
        tiers=tuple(range(depth_of(arguments, engine) + 1)),
        limits=engine.limits,
        spread=engine.spread,
        scrape_s=arguments.scrape,
        plugin=not arguments.stock,
        horizon_s=horizon_s,
        seed=arguments.seed,
    )


def settings_of(arguments: argparse.Namespace, engine: Engine) -> Settings:
    """The tuner's settings; guardrails only when asked for."""
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
