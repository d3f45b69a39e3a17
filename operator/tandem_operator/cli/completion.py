"""`tandem completion SHELL`: what a shell sources to complete verbs, flags and their values."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Mapping

import argcomplete
from argcomplete.shell_integration import shellcode

PROGRAMS = ["tandem", "kubectl-tandem"]
SHELLS = ("bash", "zsh", "fish")
HELP = """\
bash:  source <(tandem completion bash)
zsh:   source <(tandem completion zsh)
fish:  tandem completion fish | source
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = HELP
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(arguments: argparse.Namespace) -> int:
    """Print the shell's code."""
    for program in PROGRAMS if arguments.shell == "fish" else [PROGRAMS]:
        names = [program] if isinstance(program, str) else program
        print(shellcode(names, shell=arguments.shell))
    return 0


def answer(
    environ: Mapping[str, str], parser_of: Callable[[list[str]], argparse.ArgumentParser]
) -> None:
    """Answer the shell that asks how the line goes on, and end; the line is in its environment.

    `parser_of` gives the parser for the words before the one that is completed.
    """
    line = environ.get("COMP_LINE", "")[: int(environ.get("COMP_POINT") or 0) or None]
    try:
        words = shlex.split(line)[1:]
    except ValueError:  # a quote that is not closed yet
        words = line.split()[1:]
    if not line.endswith(" "):
        words = words[:-1]
    argcomplete.autocomplete(parser_of(words), always_complete_options="long")
