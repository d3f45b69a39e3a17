"""What every verb writes: text for people, JSON or YAML for machines."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, NoReturn

from rich.console import Console

TEXT, JSON, YAML = "text", "json", "yaml"
PIPED_WIDTH = 400
"""Columns where the output is no terminal: a table is never cut there."""


class FullConsole(Console):
    """The whole text where it is piped."""

    def on_broken_pipe(self) -> NoReturn:
        """Leave it to `main`, which ends as a program that SIGPIPE ended."""
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """Where text goes."""
    stream = sys.stderr if stderr else sys.stdout
    return FullConsole(stderr=stderr, width=None if stream.isatty() else PIPED_WIDTH)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `-o`."""
    parser.add_argument(
        "-o",
        "--output",
        choices=(TEXT, JSON, YAML),
        default=TEXT,
        help=f"format of the output; default: {TEXT}",
    )


def write(document: Any, form: str) -> None:
    """Print a document of plain values as JSON or YAML."""
    print(dumped(document, form))


def dumped(document: Any, form: str) -> str:
    """A document of plain values as JSON or YAML, without a newline at its end."""
    if form == JSON:
        return json.dumps(document, indent=2)
    import yaml

    plain = json.loads(json.dumps(document))
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    return text.rstrip()
