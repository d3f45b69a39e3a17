"""`tandem status [NAME]`: what serves, with which K, and what is not as it should be.

Exit status 0: it was read and printed; 1: with --exit-code, something is not as it should be; 2:
nothing could be read.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from tandem_operator.cli import connection, output
from tandem_operator.cli.connection import Cluster, ConnectionProblem
from tandem_operator.cli.status.view import concerns_of, summary, view

Object = dict[str, Any]

CONCERNED = 1
COULD_NOT_READ = 2
INTERVAL_S = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="name of one resource; default: all of the namespace",
    )
    connection.add_arguments(parser)
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="show all namespaces")
    parser.add_argument(
        "-w", "--watch", action="store_true", help=f"refresh every {INTERVAL_S:g} s until Ctrl-C"
    )
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help=f"for scripts: exit status {CONCERNED} if something is wrong",
    )
    output.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the state of one resource or of all; returns the exit status."""
    try:
        _check(arguments)
        cluster = connection.connect(arguments)
        if arguments.watch:
            _watch(cluster, arguments)
        resources = _read(cluster, arguments)
    except ConnectionProblem as problem:
        print(f"tandem status: {problem}", file=sys.stderr)
        return COULD_NOT_READ
    if arguments.output != output.TEXT:
        output.write({"resources": [summary(raw) for raw in resources]}, arguments.output)
    elif resources:
        console = output.console()
        now = datetime.now(UTC)
        show(console, view(resources, now, arguments.all_namespaces, console.width))
    else:
        print(_none(cluster, arguments), file=sys.stderr)
    concerned = any(concerns_of(raw) for raw in resources)
    return CONCERNED if arguments.exit_code and concerned else 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.name is not None and arguments.all_namespaces:
        raise ConnectionProblem("NAME and -A exclude each other: name a namespace with -n")
    others = {"-o": arguments.output != output.TEXT, "--exit-code": arguments.exit_code}
    for flag, given in others.items():
        if arguments.watch and given:
            raise ConnectionProblem(f"--watch and {flag} exclude each other: --watch never ends")


def show(console: Console, seen: RenderableType) -> None:
    """Print a view; long lines stay one line."""
    for part in seen.renderables if isinstance(seen, Group) else (seen,):
        console.print(part, soft_wrap=isinstance(part, Text))


def _read(cluster: Cluster, arguments: argparse.Namespace) -> Sequence[Object]:
    if arguments.name is None:
        return cluster.resources(everywhere=arguments.all_namespaces)
    return [cluster.resource(arguments.name)]


def _none(cluster: Cluster, arguments: argparse.Namespace) -> str:
    where = "any namespace" if arguments.all_namespaces else f"namespace {cluster.namespace}"
    return f"no resources in {where}"


def _watch(cluster: Cluster, arguments: argparse.Namespace) -> None:
    """Show the state until Ctrl-C. A read that fails is told, and made again.

    On a terminal the view is drawn again; elsewhere it is printed again where it changed.
    """
    _read(cluster, arguments)  # what is wrong from the start ends the command
    console = output.console()
    with Live(console=console, auto_refresh=False, screen=False) as live:
        last: list[Any] | None = None
        while True:
            now = datetime.now(UTC)
            try:
                resources = _read(cluster, arguments)
                seen = view(resources, now, arguments.all_namespaces, console.width)
                header = Text(now.astimezone().strftime("%H:%M:%S"))
                state: list[Any] = [
                    (raw["metadata"], raw.get("status"), raw["spec"]) for raw in resources
                ]
                if not resources:
                    seen = Text(_none(cluster, arguments))
            except ConnectionProblem as problem:
                seen = header = Text(f"tandem status: {problem}")
                state = [str(problem)]
            if console.is_terminal:
                live.update(Group(header, seen), refresh=True)
            elif state != last:
                show(console, seen)
                sys.stdout.flush()
            last = state
            time.sleep(INTERVAL_S)
