"""`python3 -m tandem_runtime.start [--adaptive FILE --initial-tokens K] -- WORDS`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tandem_runtime.contract import environment
from tandem_runtime.plugin.digests import check_or_exit
from tandem_runtime.plugin.table import at_start
from tandem_runtime.start import adaptive


def main() -> None:
    """Become the engine; ends with a sentence where files or image do not allow it."""
    check_or_exit()
    own, words = _parse(sys.argv[1:])
    if own.adaptive is not None:
        tiers = _tiers(os.environ)
        made = adaptive.of(
            at_start.of_pod(os.environ, "the one of the start"), tiers, own.initial_tokens
        )
        _write(own.adaptive, made.slots)
        words = [*words, *made.arguments, f"{adaptive.OPTION}={own.adaptive}"]
    try:
        os.execvp(words[0], words)  # noqa: S606 (the words are the operator's and the user's)
    except OSError as error:
        sys.exit(f"tandem: {words[0]}: {error.strerror}: name an image that has it")


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    if "--" not in arguments or arguments[-1] == "--":
        sys.exit("tandem: give the engine's words after --")
    parser = argparse.ArgumentParser(prog="tandem-start", allow_abbrev=False)
    parser.add_argument("--adaptive", type=Path, help="where SGLang's adaptive file is written")
    parser.add_argument("--initial-tokens", type=int, default=1, help="K where there is no table")
    at = arguments.index("--")
    return parser.parse_args(arguments[:at]), list(arguments[at + 1 :])


def _tiers(environ: Mapping[str, str]) -> tuple[int, ...]:
    return tuple(int(each) for each in environ.get(environment.TIERS, "").split(",") if each)


def _write(path: Path, slots: Mapping[str, object]) -> None:
    try:
        path.write_text(json.dumps(slots, indent=1) + "\n")
    except OSError as error:
        sys.exit(f"tandem: {path}: {error.strerror}: the pod needs a folder that can be written")


if __name__ == "__main__":
    main()
