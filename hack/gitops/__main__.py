"""Manifests of deploy/ and the program that judges objects: `python -m hack.gitops PART`.

manifests writes deploy/ again from the chart; judge builds the program for the tests.
"""

import argparse
import sys

from hack.cluster.binaries import MissingProgramError
from hack.gitops import health, manifests


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m hack.gitops", description=__doc__)
    parser.add_argument("part", choices=("manifests", "health"))
    part = parser.parse_args().part
    try:
        if part == "health":
            print(health.ensure())
            return 0
        for path, text in manifests.texts().items():
            (manifests.ROOT / path).write_text(text, encoding="utf-8", newline="\n")
            print(f"wrote {path}")
    except MissingProgramError as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
