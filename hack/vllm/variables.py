"""Print the environment variables that vLLM reads as JSON, one a line; run by the Python of a vLLM.

    python hack/vllm/variables.py > operator/tandem_operator/engines/vllm/facts/variables.json

Each has its `name` and what its value must be (`form`: text, int, float) or, where only some are
taken, which (`choices`); `list` tells that several may stand with commas between them, `folded`
that case does not count. What a value must be is tried out: a wrong one is asked for and read.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Callable
from typing import Any

os.environ |= {"VLLM_TARGET_DEVICE": "cpu", "VLLM_LOGGING_LEVEL": "CRITICAL"}
WRONG = "no-such-value"
NUMBERS = {"invalid literal for int": "int", "valid integer": "int", "to float": "float"}
OPTIONS = "Valid options: "


def variable(name: str, read: Callable[[], Any]) -> dict[str, Any]:
    error = _error(name, read, WRONG) or ""
    for part, form in NUMBERS.items():
        if part in error:
            return {"name": name, "form": form}
    if OPTIONS not in error:
        return {"name": name, "form": "text"}
    choices = ast.literal_eval(error.rpartition(OPTIONS)[2].rstrip("."))
    described: dict[str, Any] = {"name": name, "choices": choices}
    if len(choices) > 1 and _error(name, read, ",".join(choices[:2])) is None:
        described["list"] = True
    if any(
        _error(name, read, each.swapcase()) is None
        for each in choices
        if each.lower() != each.upper()
    ):
        described["folded"] = True
    return described


def _error(name: str, read: Callable[[], Any], value: str) -> str | None:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        read()
    except Exception as error:  # noqa: BLE001
        return str(error)
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before
    return None


def main() -> None:
    from vllm.envs import environment_variables

    rows = [
        json.dumps(variable(name, read)) for name, read in sorted(environment_variables.items())
    ]
    print("[\n" + ",\n".join(rows) + "\n]")


if __name__ == "__main__":
    main()
