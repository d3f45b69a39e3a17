"""Specs of SGLang and Neuron, which keep the K of their start."""

from __future__ import annotations

from typing import Any

from tandem_operator.api.spec import Method, Spec
from tests.unit.engines import builders

FIXED: dict[str, Any] = {"tuning.mode": "Fixed", "speculation.constrainedOutput": "Allow"}


def spec(method: Method, changes: dict[str, Any] | None = None, engine: str = "SGLang") -> Spec:
    """A spec that the driver takes; `changes` by dotted path."""
    made = {
        **FIXED,
        "engine.type": engine,
        "engine.image": "registry.example/engine:1",
        "speculation.method": method.value,
        **(changes or {}),
    }
    return builders.spec(made)
