"""The model repository that Triton loads: one model, its configuration and a file that loads ours.

Written at each start, so that what Triton serves is what this process was told.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tandem_runtime.triton import control
from tandem_runtime.triton.backend.requests import LISTS, OPTIONS, PROMPT, PROMPT_ALIAS

VERSION = "1"
ARGUMENTS = "arguments"
"""The configuration's parameter that holds the engine's command line, as a JSON list."""
OUTPUTS = {
    "text_output": ("TYPE_STRING", 1),
    "token_ids": ("TYPE_INT32", -1),
    "finish_reason": ("TYPE_STRING", 1),
    "prompt_tokens": ("TYPE_INT32", 1),
    "completion_tokens": ("TYPE_INT32", 1),
    control.OUTPUT: ("TYPE_STRING", 1),
}

_MODEL = '''\
"""Loads Tandem's model. The backend's interpreter takes no path from its environment by itself."""

import os
import sys

sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)

from tandem_runtime.triton.backend.model import TritonPythonModel

__all__ = ["TritonPythonModel"]
'''


def write(folder: Path, name: str, arguments: Sequence[str]) -> None:
    """The model `name` with the engine's `arguments`. Raises OSError."""
    place = folder / name / VERSION
    place.mkdir(parents=True, exist_ok=True)
    (place / "model.py").write_text(_MODEL)
    (folder / name / "config.pbtxt").write_text(configuration(arguments))


def configuration(arguments: Sequence[str]) -> str:
    """`config.pbtxt` of a decoupled model of the Python backend, one instance."""
    inputs = [(name, "TYPE_STRING", 1) for name in (PROMPT, PROMPT_ALIAS, control.INPUT)]
    inputs += [(name, kind, 1) for name, kind in OPTIONS.items()]
    inputs += [(name, kind, -1) for name, kind in LISTS.items()]
    lines = [
        'backend: "python"',
        "max_batch_size: 0",
        "model_transaction_policy { decoupled: true }",
        # The engine batches by itself; its device is its own affair.
        "instance_group [ { kind: KIND_CPU count: 1 } ]",
        *(
            f"input {{ name: {_quoted(name)} data_type: {kind} dims: [ {size} ] optional: true }}"
            for name, kind, size in inputs
        ),
        *(
            f"output {{ name: {_quoted(name)} data_type: {kind} dims: [ {size} ] }}"
            for name, (kind, size) in OUTPUTS.items()
        ),
        f"parameters {{ key: {_quoted(ARGUMENTS)} "
        f"value {{ string_value: {_quoted(json.dumps(list(arguments)))} }} }}",
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A string of protobuf's text format: JSON's escapes of ASCII are among its own."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
