"""The `tandem` command (also `kubectl tandem`): one module a verb.

A verb's module offers `HELP`, `add_arguments(parser)` and `run(arguments) -> int` (the exit
status). It is imported only when its verb is named, so that `tandem verify-pair` on a laptop loads
neither the Kubernetes client nor a plotting library.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

VERBS = {
    "verify-pair": "judge whether a draft fits a target, before anything is started",
    "plan": "show what the operator would create for a manifest",
    "simulate": "run the tuner against a trace or a fixed concurrency",
    "bench": "drive a real engine through K and fit its profile",
    "explain": "show why K is what it is",
    "status": "show what serves, with which K",
}


READER_LEFT = 141
"""The shell's status of a program that a broken pipe ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns its exit status (2 for wrong usage)."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="tandem", description="Speculative decoding, operated.")
    choices = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    named = next((word for word in words if word in VERBS), None)
    for verb, summary in VERBS.items():
        sub = choices.add_parser(verb, help=summary, description=summary)
        if verb == named:
            module = importlib.import_module(
                f"tandem_operator.cli.{verb.replace('-', '_')}",
            )
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    arguments = parser.parse_args(words)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; what Python would flush at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_LEFT
    return status


if __name__ == "__main__":
    sys.exit(main())
