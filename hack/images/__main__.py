"""`python -m hack.images operator runtime --load`: builds images; prints reference and archive.

With `--load` they are brought to the nodes of the local or kind cluster `--name` as well, which is
started if need be.
"""

from __future__ import annotations

import argparse
import os
import sys

from hack.cluster import provider
from hack.images import recipes
from hack.images.builder import Image, ImageError
from hack.vllm.environment import EnvironmentMissingError

RECIPES = {
    "operator": recipes.operator,
    "runtime": recipes.runtime,
    "engine": recipes.engine,
    "arctic": recipes.arctic,
    "torch": recipes.torch,
    "triton": recipes.triton,
    "pause": recipes.pause,
    "probe": recipes.probe,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hack.images", description=__doc__)
    parser.add_argument("names", nargs="+", choices=[*RECIPES, "base"])
    parser.add_argument("--load", action="store_true", help="bring them to the cluster's nodes")
    parser.add_argument("--name", default=os.environ.get("CLUSTER_NAME", "tandem"))
    words = parser.parse_args()
    try:
        images = [_make(name) for name in words.names]
        if words.load:
            cluster = provider.up(words.name, keep=True)
            for image in filter(None, images):
                cluster.load(image.archive)
    except (ImageError, EnvironmentMissingError, *provider.ERRORS) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _make(name: str) -> Image | None:
    if name == "base":
        print(recipes.base())
        return None
    image = RECIPES[name]()
    over_base_mb = image.over_base_bytes / 1e6
    print(f"{image.reference} {image.archive} ({over_base_mb:.0f} MB over its base)")
    return image


if __name__ == "__main__":
    sys.exit(main())
