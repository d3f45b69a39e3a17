"""`tandem doctor`: what an installation needs, checked one by one, each with its remedy.

Exit status 0: nothing is wrong (what could not be checked is told); 1: something is; 2: the cluster
cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from tandem_operator.cli import connection, output
from tandem_operator.cli.connection import ConnectionProblem
from tandem_operator.cli.doctor import definition, engines, installation, rights
from tandem_operator.cli.doctor.finding import Finding, Level
from tandem_operator.cli.doctor.reader import Reader

WRONG, COULD_NOT_READ = 1, 2
_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.WRONG: "red", Level.UNKNOWN: "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    connection.add_arguments(parser)
    parser.add_argument(
        "--operator-namespace",
        metavar="NAME",
        help="namespace of the operator; default: searched for",
    )
    output.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check, print, return the exit status."""
    try:
        reader = Reader(connection.connect(arguments))
        findings = [reader.server(), *definition.check(reader)]
        findings += rights.check(reader)
        findings += installation.check(reader, arguments.operator_namespace)
        if not any(one.level is Level.WRONG and one.check == definition.CHECK for one in findings):
            findings += engines.check(reader)
    except ConnectionProblem as problem:
        print(f"tandem doctor: {problem}", file=sys.stderr)
        return COULD_NOT_READ
    if arguments.output == output.TEXT:
        _show(findings)
    else:
        output.write({"findings": [asdict(one) for one in findings]}, arguments.output)
    return WRONG if any(one.level is Level.WRONG for one in findings) else 0


def _show(findings: list[Finding]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    # The name of a resource may be long: it is folded at a third of the line, and never cut.
    table.add_column(overflow="fold", max_width=output.console().width // 3)
    table.add_column()
    for one in findings:
        sentence = one.message + (f": {one.remedy}" if one.remedy else "")
        table.add_row(Text(one.level, style=_STYLES[one.level]), one.check, Text(sentence))
    output.console().print(table)
