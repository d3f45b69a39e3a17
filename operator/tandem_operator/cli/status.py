"""`tandem status [NAME]`: what serves, with which K, and what is not as it should be.

Exit status 0: it was read and printed; 2: nothing could be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tandem_operator.api.conditions import ONLY_WHILE_TRUE
from tandem_operator.cli import connection
from tandem_operator.cli.connection import ConnectionProblem

Object = dict[str, Any]

COULD_NOT_READ = 2
PIPED_WIDTH = 400
"""Columns where the output is no terminal: a table is never cut there."""
_UNITS = (("d", 86_400), ("h", 3600), ("m", 60))


@dataclass(frozen=True)
class Concern:
    """A condition that is not as it should be, or that the operator has not looked."""

    type: str
    status: str
    reason: str
    message: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="default: all of the namespace")
    connection.add_arguments(parser)
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="of every namespace")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print the state of one resource or of all; returns the exit status."""
    try:
        if arguments.name is not None and arguments.all_namespaces:
            raise ConnectionProblem("NAME and -A exclude each other: name a namespace with -n")
        cluster = connection.connect(arguments)
        if arguments.name is None:
            found = cluster.resources(everywhere=arguments.all_namespaces)
        else:
            found = [cluster.resource(arguments.name)]
    except ConnectionProblem as problem:
        print(f"tandem status: {problem}", file=sys.stderr)
        return COULD_NOT_READ
    if arguments.output == "json":
        print(json.dumps({"resources": [summary(raw) for raw in found]}, indent=2))
    elif found:
        show(found, datetime.now(UTC), arguments.all_namespaces)
    else:
        where = "any namespace" if arguments.all_namespaces else f"namespace {cluster.namespace}"
        print(f"no resources in {where}", file=sys.stderr)
    return 0


def summary(raw: Object) -> Object:
    """What the columns say of a resource, and its concerns; absent where nothing is known yet."""
    status = raw.get("status") or {}
    speculation = status.get("speculation") or {}
    held = {each["type"]: each for each in status.get("conditions") or ()}
    values = {
        "namespace": raw["metadata"]["namespace"],
        "name": raw["metadata"]["name"],
        "ready": held.get("Ready", {}).get("status"),
        "readyReplicas": status.get("readyReplicas"),
        "replicas": raw["spec"].get("replicas"),
        "pair": held.get("PairCompatible", {}).get("reason"),
        "method": raw["spec"]["speculation"]["method"],
        "speculation": speculation.get("state"),
        "effectiveTokens": speculation.get("effectiveTokens"),
        "acceptanceRatePercent": speculation.get("acceptanceRatePercent"),
        "speedup": speculation.get("speedup"),
        "creationTimestamp": raw["metadata"]["creationTimestamp"],
    }
    return {
        **{key: value for key, value in values.items() if value is not None},
        "concerns": [vars(concern) for concern in concerns_of(raw)],
    }


def concerns_of(raw: Object) -> tuple[Concern, ...]:
    """What somebody should look at, in the order of the conditions.

    A condition that stands only while True is one while it stands; any other while it is not True.
    """
    status = raw.get("status") or {}
    generation, seen = raw["metadata"]["generation"], status.get("observedGeneration", -1)
    found = []
    if seen < generation:
        message = (
            "no operator has looked at this resource: check that one runs and may see its namespace"
            if seen < 0
            else f"the operator has looked at generation {seen}, not yet at {generation}"
        )
        found.append(Concern("Observed", "False", "NotObserved", message))
    for held in status.get("conditions") or ():
        expected = "False" if held["type"] in ONLY_WHILE_TRUE else "True"
        if held["status"] != expected:
            said = (held["type"], held["status"], held["reason"], held.get("message", ""))
            found.append(Concern(*said))
    return tuple(found)


def show(found: Sequence[Object], now: datetime, with_namespace: bool) -> None:
    """Print the table, then the concerns of each resource."""
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    place = ("NAMESPACE",) if with_namespace else ()
    table = Table(box=None, pad_edge=False, header_style="")
    for heading in (*place, "NAME", "READY", "REPLICAS", "PAIR", "METHOD", "SPECULATION", "K"):
        table.add_column(heading)
    for heading in ("ACCEPTANCE%", "SPEEDUP", "AGE"):
        table.add_column(heading)
    for raw in found:
        table.add_row(*map(Text, _cells(summary(raw), now, with_namespace)))
    console.print(table)
    for raw in found:
        concerns = concerns_of(raw)
        if not concerns:
            continue
        name = raw["metadata"]["name"]
        full = f"{raw['metadata']['namespace']}/{name}" if with_namespace else name
        _line(console, f"\n{full}:")
        for concern in concerns:
            head = f"  {concern.type} is {concern.status} ({concern.reason})"
            _line(console, f"{head}: {concern.message}" if concern.message else head)


def _line(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)


def _cells(said: Object, now: datetime, with_namespace: bool) -> tuple[str, ...]:
    place = (said["namespace"],) if with_namespace else ()
    middle = [
        str(said.get(key, ""))
        for key in (
            "pair",
            "method",
            "speculation",
            "effectiveTokens",
            "acceptanceRatePercent",
            "speedup",
        )
    ]
    ready = f"{said.get('readyReplicas', 0)}/{said.get('replicas', 1)}"
    age = age_of(datetime.fromisoformat(said["creationTimestamp"]), now)
    return (*place, said["name"], said.get("ready", ""), ready, *middle, age)


def age_of(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that counts two or more, else in seconds."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length_s in _UNITS:
        if seconds >= 2 * length_s:
            return f"{seconds // length_s}{unit}"
    return f"{seconds}s"
