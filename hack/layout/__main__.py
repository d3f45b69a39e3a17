"""Says which files break the rules of CONTRIBUTING that no linter knows: `python -m hack.layout`.

Read are the files that git tracks. Exit status 1 says that a file breaks a rule, and which.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hack.layout import rules

ROOT = Path(__file__).resolve().parents[2]


def tracked(root: Path) -> dict[str, str]:
    """Path below `root` and text of every tracked file that somebody wrote by hand."""
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    )
    paths = [each for each in done.stdout.split("\0") if each and rules.is_written_by_hand(each)]
    # A file that was removed and not committed yet is still tracked.
    return {each: (root / each).read_text() for each in paths if (root / each).is_file()}


def main(root: Path = ROOT) -> int:
    """Prints what breaks a rule; returns the exit status."""
    broken = rules.broken(tracked(root))
    for line in broken:
        print(line, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
