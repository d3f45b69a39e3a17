"""Writes what is generated from the resource's models: `python -m hack.generate crd docs`.

With `--check` nothing is written, and the exit code is 1 when a file is stale.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from hack.generate import crd

ROOT = Path(__file__).resolve().parents[2]

FILES: dict[str, tuple[Path, Callable[[], str]]] = {
    "crd": (ROOT / "crds" / "tandem.dev_speculativedeployments.yaml", crd.render),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hack.generate", description=__doc__)
    parser.add_argument("what", nargs="+", choices=sorted(FILES))
    parser.add_argument("--check", action="store_true", help="write nothing, fail when stale")
    arguments = parser.parse_args()
    stale = []
    for what in arguments.what:
        path, render = FILES[what]
        text = render()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.relative_to(ROOT))
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{'stale' if arguments.check else 'wrote'}: {path}")
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
