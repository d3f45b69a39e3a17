"""`python -m hack.images operator runtime engine`: builds, then prints reference and archive."""

from __future__ import annotations

import argparse
import sys

from hack.images import recipes
from hack.images.builder import ImageError

RECIPES = {"operator": recipes.operator, "runtime": recipes.runtime, "engine": recipes.engine}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hack.images", description=__doc__)
    parser.add_argument("names", nargs="+", choices=[*RECIPES, "base"])
    try:
        for name in parser.parse_args().names:
            if name == "base":
                print(recipes.base())
                continue
            image = RECIPES[name]()
            print(f"{image.reference} {image.archive}")
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
