"""Specs and reports for the tests of the torch engine's driver."""

from __future__ import annotations

from typing import Any

from tests.unit.engines import builders

TORCH = {"engine": {"type": "Torch"}}


def spec(**changes: Any) -> Any:
    return builders.spec({**TORCH, **{k.replace("__", "."): v for k, v in changes.items()}})
