"""Print the options of `vllm serve` as JSON, one a line; run by the Python of a vLLM.

    python hack/vllm/options.py > operator/tandem_operator/engines/vllm/facts/options.json

Each has its spellings (`options`), how many words follow (`words`: 0, 1, `?` or `+`), what a word
must be (`form`: text, int, float, size, json, object) and, where only some are taken, which
(`choices`).
`empty` tells that an empty word or `None` stands for nothing.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
from typing import Any

os.environ |= {
    "VLLM_TARGET_DEVICE": "cpu",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
}

FORMS = {"int": "int", "float": "float", "loads": "json", "parse_dataclass": "object"}
SIZES = {"human_readable_int": "size", "human_readable_int_or_auto": "size or auto"}


def option(action: argparse.Action) -> dict[str, Any]:
    kind, empty = action.type, False
    while inspect.isfunction(kind) and "return_type" in inspect.getclosurevars(kind).nonlocals:
        empty = empty or kind.__name__ == "_optional_type"
        kind = inspect.getclosurevars(kind).nonlocals["return_type"]
    form = (FORMS | SIZES).get(getattr(kind, "__name__", ""), "text")
    description: dict[str, Any] = {
        "options": list(action.option_strings),
        "words": 1 if action.nargs is None else action.nargs,
        "form": form,
    }
    # A function of its own may make a choice of more than one text.
    if action.choices and kind in (None, str):
        description["choices"] = sorted(each for each in map(str, action.choices) if each != "None")
    elif action.choices and kind is int:
        description["choices"] = [str(each) for each in action.choices]
    return description | ({"empty": True} if empty else {})


def main() -> None:
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    actions = make_arg_parser(FlexibleArgumentParser())._actions
    rows = [json.dumps(option(action)) for action in actions if action.option_strings]
    print("[\n" + ",\n".join(rows) + "\n]")


if __name__ == "__main__":
    main()
