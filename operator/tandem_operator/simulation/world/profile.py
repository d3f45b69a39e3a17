"""Engine profiles (``docs/profile.schema.json``) as the truth of a simulated engine."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tandem_operator.simulation.world.draws import Floats
from tandem_operator.simulation.world.requests import Limits
from tandem_operator.simulation.world.steadiness import SPREAD, Spread
from tandem_operator.simulation.world.truth import Truth

_NAMES = {
    "base_s": "base_s",
    "context_token_s": "context_s",
    "token_s": "token_s",
    "knee_tokens": "knee_tokens",
    "knee_token_s": "knee_token_s",
    "draft_start_s": "draft_start_s",
    "draft_pass_s": "draft_pass_s",
    "draft_request_s": "draft_token_s",
    "sync_s": "sync_s",
    "prefill_token_s": "prefill_s",
    "prefill_weight": "prefill_weight",
    "experts": "experts",
    "active_experts": "active_experts",
    "expert_s": "expert_s",
}
_ROUGHNESS = ("padding", "captured_tokens", "cliff", "noise", "stall_chance", "stall_s")


class ProfileError(ValueError):
    """A profile cannot be simulated; the message names the file, the field and the remedy."""


@dataclass(frozen=True)
class Engine:
    """An engine to simulate. ``survival`` by segment, ``max_tokens`` positions each."""

    name: str
    truth: Truth
    limits: Limits
    survival: Mapping[str, Floats]
    max_tokens: int
    spread: Spread
    mixture_of_experts: tuple[int, int] | None
    document: Mapping[str, Any]


def read_profile(path: Path) -> Engine:
    """Read a profile file.

    Raises ProfileError when it cannot be simulated, OSError when it cannot be read.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise ProfileError(f"{path}: not JSON: {problem}") from problem
    if not isinstance(document, dict):
        raise ProfileError(f"{path}: a profile is one object")
    try:
        return engine_of(document)
    except ProfileError as problem:
        raise ProfileError(f"{path}: {problem}") from problem


def engine_of(document: Mapping[str, Any]) -> Engine:
    """The engine that a profile describes.

    Raises ProfileError when step_time or survival are missing or of the wrong kind.
    """
    form, curves = document.get("step_time"), document.get("survival")
    if not isinstance(form, Mapping):
        raise ProfileError("step_time is missing: the simulator needs coefficients (tandem bench)")
    if not isinstance(curves, Mapping) or not curves:
        raise ProfileError("survival is missing: give one curve at least, by segment")
    unknown = sorted(set(form) - set(_NAMES))
    if unknown:
        raise ProfileError(f"step_time.{unknown[0]} is not known: see docs/profile.schema.json")
    rough = document.get("roughness", {})
    check_numbers("step_time", form)
    if not isinstance(rough, Mapping):
        raise ProfileError(f"roughness is {rough!r}: give an object")
    check_numbers("roughness", {name: rough[name] for name in rough if name != "spread"})
    if form.get("base_s", 0) <= 0:
        raise ProfileError("step_time.base_s is missing or 0: give seconds above 0")
    max_tokens = whole(document, "max_tokens", 7, (0, 32))
    values: dict[str, Any] = {"token_s": 0.0, "draft_pass_s": 0.0, "knee_tokens": 0.0}
    values |= {_NAMES[name]: value for name, value in form.items()}
    values |= {name: rough[name] for name in _ROUGHNESS if name in rough}
    experts = document.get("mixture_of_experts")
    return Engine(
        name=str(document.get("name", "profile")),
        truth=Truth(**values),
        limits=Limits(
            max_running=whole(document, "max_running", 256, (1, 65_536)),
            step_tokens=whole(document, "step_tokens", 2048, (1, 10_000_000)),
        ),
        survival={
            str(name): _curve(str(name), curve, max_tokens) for name, curve in curves.items()
        },
        max_tokens=max_tokens,
        spread=_spread(rough.get("spread", SPREAD)),
        mixture_of_experts=_experts(experts) if experts else None,
        document=document,
    )


def check_numbers(where: str, values: Any) -> None:
    """Raises ProfileError naming the first value that is no number of 0 or more."""
    if not isinstance(values, Mapping):
        raise ProfileError(f"{where} is {values!r}: give an object")
    for name, value in values.items():
        if not _number(value) or value < 0:
            raise ProfileError(f"{where}.{name} is {value!r}: give a number, 0 or more")


def whole(document: Mapping[str, Any], name: str, default: int, bounds: tuple[int, int]) -> int:
    """A whole number of the profile. Raises ProfileError beyond `bounds`, both included."""
    value = document.get(name, default)
    if not _number(value) or value != int(value) or not bounds[0] <= value <= bounds[1]:
        raise ProfileError(f"{name} is {value!r}: give {bounds[0]} to {bounds[1]}")
    return int(value)


def _spread(value: Any) -> Spread:
    by_segment = value if isinstance(value, Mapping) else {"": value}
    check_numbers("roughness.spread", by_segment)
    return {str(name): float(variance) for name, variance in by_segment.items()}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _experts(value: Any) -> tuple[int, int]:
    if (
        not isinstance(value, Sequence)
        or len(value) != 2
        or not all(map(_number, value))
        or not 1 <= value[1] <= value[0]
    ):
        raise ProfileError(f"mixture_of_experts is {value!r}: give [experts, active for a token]")
    return int(value[0]), int(value[1])


def _curve(name: str, curve: Any, positions: int) -> Floats:
    if not isinstance(curve, Sequence) or not all(map(_number, curve)):
        raise ProfileError(f"survival.{name} is {curve!r}: give a list of probabilities")
    return extended(curve, positions)


def extended(curve: Sequence[float], positions: int) -> Floats:
    """A survival curve of so many positions; deeper ones go on with the last hazard."""
    if not len(curve):
        raise ProfileError("a survival curve is empty: give P(first draft accepted) at least")
    values = [float(value) for value in curve]
    if any(not 0 <= value <= 1 for value in values):
        raise ProfileError(f"survival {values} leaves 0 to 1: give probabilities")
    before = values[-2] if len(values) > 1 else 1.0
    hazard = values[-1] / before if before > 0 else 0.0
    while len(values) < positions:
        values.append(values[-1] * hazard)
    return np.minimum.accumulate(np.array(values[:positions], dtype=np.float64))
