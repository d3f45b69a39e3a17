"""Manifests of `examples/` on what is here: the tiny pair, one node without a GPU."""

from __future__ import annotations

import copy
from typing import Any

import yaml

from tests.e2e.conftest import REPOSITORY
from tests.e2e.serving import Serving

Object = dict[str, Any]


def manifest(example: str) -> Object:
    """As it is in the file at that place in `examples/`."""
    read: Object = yaml.safe_load((REPOSITORY / "examples" / example).read_text())
    return read


def fitted(example: Object, serving: Serving, image: str | None = None) -> Object:
    """The example with another model and on another machine, and nothing else of it changed.

    The models are the tiny pair, with a context and an early exit that it has. torch and vLLM come
    from a volume. vLLM has words for a CPU. `image` stands in for the example's, where it has one.
    """
    made = copy.deepcopy(example)
    spec, here = made["spec"], serving.manifest(serving.name)["spec"]
    spec["template"] = here["template"]
    for side in spec.keys() & {"target", "draft"}:
        spec[side] = here[side]
    if "layerSkip" in spec["speculation"]:
        spec["speculation"]["layerSkip"]["exitLayer"] = 1
    if spec["engine"]["type"] == "vLLM":
        spec["engine"] |= here["engine"]
        spec["accelerator"] = here["accelerator"]
    else:
        spec["engine"]["args"] = ["--max-model-len=512", "--kv-cache-mib=64"]
    if "image" in spec["engine"]:
        spec["engine"]["image"] = image
    return made
