"""The model repository: the image's own model for the LLM API, ours around it, our configuration.

Written at each start, so that what Triton serves is what the pod was told.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tandem_runtime.contract.engines import tensorrt_llm as contract
from tandem_runtime.tensorrt_llm.configuration import yaml_of

STOCK = Path("/app/all_models/llmapi/tensorrt_llm/1")
"""Where NVIDIA's images keep the Python model that serves the LLM API."""
ORIGINAL = "tensorrt_llm_model"
"""The image's model, under a name that ours can import."""
VERSION = "1"

_MODEL = f'''\
"""Loads the image's model for the LLM API with Tandem's page around it."""

import os
import sys

sys.path[:0] = [os.path.dirname(__file__), *os.environ["PYTHONPATH"].split(os.pathsep)]

import {ORIGINAL}

from tandem_runtime.tensorrt_llm.triton_model import with_page

TritonPythonModel = with_page({ORIGINAL}.TritonPythonModel)
'''
TRITON_CONFIG = {"max_batch_size": 0, "decoupled": True}
"""What the image's model reads for Triton beside the keys of the LLM API."""


def write(folder: Path, name: str, config: Path, llm: Mapping[str, Any], source: Path) -> None:
    """The model `name` in `folder`.

    Raises:
        FileNotFoundError: the image has no model for the LLM API at `source`.
        OSError: a file cannot be written.
    """
    if not (source / "model.py").is_file():
        raise FileNotFoundError(
            f"{source} has no model for the LLM API: name an image of Triton with TensorRT-LLM in "
            "spec.engine.image, or use engine.server: Native"
        )
    place = folder / name / VERSION
    place.mkdir(parents=True, exist_ok=True)
    for path in source.glob("*.py"):
        shutil.copyfile(path, place / path.name)
    (place / "model.py").replace(place / f"{ORIGINAL}.py")
    (place / "model.py").write_text(_MODEL)
    (place / "model.yaml").write_text(yaml_of({**llm, "triton_config": TRITON_CONFIG}))
    shutil.copyfile(config / contract.PBTXT_FILE, folder / name / contract.PBTXT_FILE)
