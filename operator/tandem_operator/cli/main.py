"""The `tandem` command (also `kubectl tandem`): one module a verb.

A verb's module offers `add_arguments(parser)` and `run(arguments) -> int` (the exit status). It is
imported only when its verb is named, so that `tandem verify-pair` on a laptop loads neither the
Kubernetes client nor a plotting library.

Exit status beside the verb's own: 2 for wrong usage, 130 after Ctrl-C, 141 where the reader left.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from tandem_operator.cli.parsing import Parser

DISTRIBUTION = "tandem-operator"
VERBS = {
    "init": "inspect a target and its draft and write a manifest for them",
    "verify-pair": "check whether a draft fits a target, before anything is started",
    "plan": "show what the operator would create or change for a manifest",
    "simulate": "run the tuner on a recorded load or a fixed concurrency",
    "bench": "measure a running engine and fit its profile",
    "status": "show which resources serve, with which K, and what is wrong",
    "explain": "show why K is what it is",
    "doctor": "check the installation in a cluster",
    "completion": "print the completion script of a shell",
}
INTERRUPTED = 130
"""The shell's status of a program that Ctrl-C ended."""
READER_LEFT = 141
"""The shell's status of a program that a broken pipe ended."""
MISSING = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    verb = verb_of(words)
    program = f"tandem {verb}" if verb else "tandem"
    try:
        try:
            status = _run(words, verb)
        finally:
            # Also of --help, which leaves by SystemExit.
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; what Python would flush at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_LEFT
    except KeyboardInterrupt:
        print(f"\n{program}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0].startswith("tandem_"):
            raise
        print(
            f"{program}: this installation has no {missing.name}: the command needs the extra cli, "
            f"uv tool install '{DISTRIBUTION}[cli]'",
            file=sys.stderr,
        )
        return MISSING
    return status


def verb_of(words: Sequence[str]) -> str | None:
    """The verb among the words: the first word that is no flag."""
    first = next((word for word in words if not word.startswith("-")), None)
    return first if first in VERBS else None


def parser_of(verb: str | None) -> Parser:
    """The parser of all verbs; only the arguments of `verb` are declared."""
    parser = Parser(prog="tandem", description="Speculative decoding on Kubernetes.")
    parser.add_argument("--version", action="version", version=f"tandem {version(DISTRIBUTION)}")
    choices = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, summary in VERBS.items():
        sub = choices.add_parser(name, help=summary, description=summary)
        if name == verb:
            module = importlib.import_module(f"tandem_operator.cli.{name.replace('-', '_')}")
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return parser


def _run(words: Sequence[str], verb: str | None) -> int:
    if "_ARGCOMPLETE" in os.environ:
        from tandem_operator.cli import completion

        completion.answer(os.environ, lambda typed: parser_of(verb_of(typed)))
    arguments: argparse.Namespace = parser_of(verb).parse_args(words)
    status: int = arguments.run(arguments)
    return status


if __name__ == "__main__":
    sys.exit(main())
