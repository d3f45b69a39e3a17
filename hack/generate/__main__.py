"""Writes every file that is made from the resource's models: `python -m hack.generate`.

With `--check` nothing is written; exit status 1 says that a file is stale, and which.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hack.generate import files

ROOT = Path(__file__).resolve().parents[2]
REMEDY = "python -m hack.generate"


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write or check the generated files below `root`; returns the exit status."""
    parser = argparse.ArgumentParser(prog=REMEDY, description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when stale")
    arguments = parser.parse_args(argv)
    stale = files.stale(root)
    if arguments.check:
        for path in stale:
            print(f"{path} is stale: run `{REMEDY}`", file=sys.stderr)
        return 1 if stale else 0
    files.write(root, stale)
    for path in stale:
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
