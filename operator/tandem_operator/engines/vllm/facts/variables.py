"""Environment variables that vLLM 0.32 reads, and which values it takes.

From `variables.json`, which `hack/vllm/variables.py` printed. The engine's core reads all of them
as it starts, so that one of a wrong form ends it, needed or not.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

_FILE = "variables.json"


@cache
def known() -> Mapping[str, Mapping[str, Any]]:
    """What is known of each, by its name."""
    rows = json.loads(resources.files(__package__ or "").joinpath(_FILE).read_text())
    return {row["name"]: row for row in rows}


def wanted(name: str, value: str) -> str | None:
    """What the value must be and is not, in words; None where vLLM takes it, or reads none."""
    row = known().get(name)
    if row is None:
        return None
    choices = row.get("choices")
    if choices is None:
        return _MEANT[row["form"]] if not _HOLDS[row["form"]](value) else None
    given = value.split(",") if row.get("list") else [value]
    folded = bool(row.get("folded"))
    wrong = _folded(given, folded) - _folded(choices, folded)
    return f"one of {', '.join(choices)}" if wrong else None


def _folded(texts: Iterable[str], folded: bool) -> set[str]:
    return {each.strip().lower() if folded else each.strip() for each in texts}


def _is(kind: type[int] | type[float], value: str) -> bool:
    try:
        kind(value)
    except ValueError:
        return False
    return True


_HOLDS: Mapping[str, Callable[[str], bool]] = {
    "text": lambda value: True,
    "int": lambda value: _is(int, value),
    "float": lambda value: _is(float, value),
}
_MEANT = {"int": "an integer", "float": "a number"}
