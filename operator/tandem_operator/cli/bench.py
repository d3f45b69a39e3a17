"""`tandem bench`: a real engine's step times and survival, as a profile.

Exit status 0: everything planned was measured; 1: it was cut short and the profile is from what
there is; 2: nothing could be measured or fitted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tandem_operator.api.spec import EngineType
from tandem_operator.bench import prompts, report, session
from tandem_operator.bench.endpoint import EndpointError
from tandem_operator.bench.fit import FitError, fitted
from tandem_operator.bench.measure import Times
from tandem_operator.bench.plan import Block, PlanError
from tandem_operator.bench.prompts import PromptsError
from tandem_operator.bench.session import Ended, Options
from tandem_operator.bench.state import StateError, path_beside
from tandem_operator.cli import output
from tandem_operator.engines import registry
from tandem_operator.engines.metrics.reader import MetricsReader
from tandem_operator.tuning.settings import DEEPEST_TOKENS

CUT_SHORT, FAILED = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument(
        "--endpoint",
        required=True,
        metavar="URL",
        help="address of the engine, as http://host:port",
    )
    parser.add_argument(
        "--engine",
        choices=[engine.value for engine in registry.driven()],
        default=EngineType.VLLM.value,
        metavar="TYPE",
        help=f"its spec.engine.type: {', '.join(registry.driven())}; default: %(default)s",
    )
    parser.add_argument("--out", type=Path, required=True, help="file of the profile (JSON)")
    parser.add_argument(
        "--table-file",
        type=Path,
        help="the engine's TANDEM_TABLE_FILE, by which K is set; without it K stays as it is",
    )
    parser.add_argument(
        "--tokens",
        type=_numbers,
        default=(0, 1, 2, 3, 5, 7),
        help="values of K to measure, separated by commas",
    )
    parser.add_argument(
        "--concurrency",
        type=_numbers,
        default=(1, 2, 4, 8, 16),
        help="numbers of clients, separated by commas",
    )
    parser.add_argument(
        "--prompts",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="prompts of one segment; repeat for more",
    )
    parser.add_argument("--model", help="name of the model; default: the first that is served")
    parser.add_argument("--new-tokens", type=int, default=128, help="tokens of each output")
    parser.add_argument("--rounds", type=int, default=3, help="how often each load is measured")
    parser.add_argument("--block-s", type=float, default=8.0, help="seconds of one measurement")
    parser.add_argument(
        "--warmup-s", type=float, default=2.0, help="seconds of load before each measurement"
    )
    parser.add_argument(
        "--limit-s",
        type=float,
        default=1800.0,
        help="stop after so many seconds; what is measured is kept",
    )
    parser.add_argument(
        "--experts",
        type=_experts,
        metavar="TOTAL,ACTIVE",
        help="experts of a mixture-of-experts model",
    )
    parser.add_argument(
        "--max-running", type=int, help="requests that the engine runs at the same time"
    )
    parser.add_argument("--name", help="name of the profile; default: the model's")
    parser.add_argument(
        "--pair",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="what was measured: target, draft, image, ...; repeat for more",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the order of measurements")
    output.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure, fit, write the profile; returns the exit status."""
    try:
        options = options_of(arguments)
        pair = _pair(arguments.pair)
        ended = _measured(options, registry.driver(EngineType(arguments.engine)).metrics)
        done = len(ended.state.done)
        if ended.how != session.COMPLETE:
            print(
                f"tandem bench: {ended.how} after {done} of {ended.planned} blocks; "
                "the same command goes on",
                file=sys.stderr,
            )
        fit = fitted(ended.state.done, arguments.experts)
        source = report.source_of(
            options.url,
            datetime.now(UTC).date(),
            done,
            ended.planned,
            options.times.block_s,
        )
        profile = report.profile_of(
            fit,
            ended.state.done,
            name=arguments.name or ended.model,
            source=source,
            pair=pair,
            max_running=arguments.max_running,
            mixture_of_experts=arguments.experts,
        )
        options.out.write_text(json.dumps(profile, indent=2) + "\n", encoding="utf-8")
    except (EndpointError, PlanError, StateError, FitError, PromptsError, OSError) as problem:
        detail = str(problem)
        if isinstance(problem, OSError) and problem.filename is not None:
            detail = f"{problem.filename}: {problem.strerror}"
        print(f"tandem bench: {detail}", file=sys.stderr)
        if isinstance(problem, EndpointError) and path_beside(arguments.out).exists():
            kept = path_beside(arguments.out)
            print(f"finished blocks are in {kept}; the same command goes on", file=sys.stderr)
        return FAILED
    summary = {
        "ended": ended.how,
        "blocks": done,
        "planned": ended.planned,
        "loads": report.loads_of(ended.state.done),
        "cells": report.cells_of(fit),
        "profile": profile,
    }
    if arguments.output != output.TEXT:
        output.write(summary, arguments.output)
    else:
        _show(summary, output.console(), options.out)
    return 0 if ended.how == session.COMPLETE else CUT_SHORT


def options_of(arguments: argparse.Namespace) -> Options:
    """What the words mean. Raises PromptsError, PlanError and OSError."""
    _check(arguments)
    return Options(
        url=arguments.endpoint,
        model=arguments.model,
        table_file=arguments.table_file,
        out=arguments.out,
        tokens=arguments.tokens,
        concurrencies=arguments.concurrency,
        prompts=prompts.read(arguments.prompts),
        new_tokens=arguments.new_tokens,
        rounds=arguments.rounds,
        times=Times(arguments.block_s, arguments.warmup_s),
        limit_s=arguments.limit_s,
        seed=arguments.seed,
    )


def _check(arguments: argparse.Namespace) -> None:
    """Raises PlanError for what no measurement can be meant by, before the engine is asked."""
    address = urlsplit(arguments.endpoint)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise PlanError(f"--endpoint is {arguments.endpoint}: give an address, as http://host:port")
    for name in ("block_s", "limit_s", "warmup_s", "new_tokens", "rounds", "max_running", "seed"):
        value, flag = getattr(arguments, name), f"--{name.replace('_', '-')}"
        if value is None:
            continue
        if name in ("warmup_s", "seed"):
            if not (isfinite(value) and value >= 0):
                raise PlanError(f"{flag} is {value:g}: give 0 or more")
        elif not (isfinite(value) and value > 0):
            raise PlanError(f"{flag} is {value:g}: give a number above 0")
    if min(arguments.concurrency) < 1:
        raise PlanError("--concurrency has 0 clients: give 1 or more")
    if max(arguments.tokens) > DEEPEST_TOKENS:
        raise PlanError(f"--tokens has {max(arguments.tokens)}: give K of {DEEPEST_TOKENS} at most")
    for flag, path in (("--out", arguments.out), ("--table-file", arguments.table_file)):
        if path is not None and path.is_dir():
            raise PlanError(f"{flag} {path} is a folder: name a file in it")
        if path is not None and not path.absolute().parent.is_dir():
            raise PlanError(f"{flag} {path}: there is no folder {path.parent}")


def _measured(options: Options, reader: MetricsReader) -> Ended:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=output.console(stderr=True)) as bar:
        task = bar.add_task("starting", total=None)

        def moved(done: int, planned: int, block: Block | None) -> None:
            what = "done" if block is None else _named(block)
            bar.update(task, completed=done, total=planned, description=what)

        try:
            return asyncio.run(_ended_by_ctrl_c(session.run(options, reader, moved)))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


async def _ended_by_ctrl_c(work: Coroutine[Any, Any, Ended]) -> Ended:
    """As `asyncio.run` ends it, but between two callbacks of the loop: a connection that was
    cancelled in the middle of its own is reported with a traceback."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
    return await work


def _named(block: Block) -> str:
    depth = "K in force" if block.tokens is None else f"K={block.tokens}"
    return f"{block.concurrency} clients, {depth}, {block.segment}"


def _show(summary: dict[str, Any], console: Console, out: Path) -> None:
    loads = Table("clients", "K", "prompts", "p50 s", "p95 s", "tokens/s", title="request latency")
    for row in summary["loads"]:
        depth = "in force" if row["tokens"] is None else str(row["tokens"])
        times = ("-" if row[rank] is None else f"{row[rank]:.2f}" for rank in ("p50_s", "p95_s"))
        loads.add_row(
            str(row["concurrency"]), depth, row["segment"], *times, f"{row['tokens_per_s']:.0f}"
        )
    console.print(loads)
    cells = Table(
        "batch", "K", "prefill", "steps", "measured ms", "fitted ms", "error %", title="step time"
    )
    for row in summary["cells"]:
        cells.add_row(*(f"{value:g}" for value in row.values()))
    console.print(cells)
    fit = summary["profile"]["fit"]
    unseen = fit.get("unseen_mean_error_percent")
    spread = fit.get("repeat_error_percent")
    repeated = "" if spread is None else f", {spread} % between blocks of one load"
    kept_aside = "" if unseen is None else f", {unseen} % on cells kept aside"
    console.print(
        f"{out}: {summary['blocks']} of {summary['planned']} blocks ({summary['ended']}); "
        f"error of the fit {fit['mean_error_percent']} % mean, {fit['worst_error_percent']} % worst"
        f"{kept_aside}{repeated}, over {fit['cells']} kinds of step; "
        f"the tuner's form {fit['tuner_mean_error_percent']} %"
    )


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(dict.fromkeys(int(word) for word in text.split(",")))
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"{text!r}: give whole numbers and commas") from problem
    if min(numbers) < 0:
        raise argparse.ArgumentTypeError(f"{text!r}: give numbers from 0")
    return numbers


def _experts(text: str) -> tuple[int, int]:
    numbers = _numbers(text)
    if len(numbers) != 2 or not 1 <= numbers[1] <= numbers[0]:
        raise argparse.ArgumentTypeError(f"{text!r}: give TOTAL,ACTIVE experts")
    return numbers[0], numbers[1]


def _pair(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for key, separator, value in pairs:
        if not (key and separator and value):
            raise PlanError(f"--pair {key}{separator}{value}: give KEY=VALUE")
    return {key: value for key, _, value in pairs}
