"""What a real engine did in closed loops, as the comparison with the simulator reads it.

Pure. A real run is a JSON list, one object a block (one load at one setting for some seconds):

    {
      "phase": "16-code",             what the block is grouped by
      "setting": "K=3",               "off", "K=1" ... "K=32", or "goodput" (the tuner)
      "clients": 16,                  requests in flight, a new one when one ends
      "mix": {"code": 1.0},           share of clients by segment, named as in the profile
      "input_tokens": 118,            prompt tokens of a request: a number, or a list to draw from
      "output_tokens": 96,            answer tokens of a request: a number, or a list to draw from
      "seconds": 45.0,                how long the block was measured, its warm-up not counted
      "tokens_per_s": 812.4,          generated tokens of all clients over these seconds
      "latency_p50_s": 1.71,          of whole requests, from sending to the last token
      "latency_p95_s": 2.43
    }

All fields are required and none other is read. Repeat blocks of one phase and setting as they were
measured: the comparison takes their medians.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OFF = "off"
GOODPUT = "goodput"
_PREFIX = "K="
_DEEPEST = 32


class RealRunError(ValueError):
    """A real run cannot be read; the message names the block, the field and what it may be."""


@dataclass(frozen=True)
class RealBlock:
    """One measured block. `tokens` is K, None when the tuner was in charge; times in seconds."""

    phase: str
    setting: str
    tokens: int | None
    clients: int
    mix: Mapping[str, float]
    input_tokens: tuple[int, ...]
    output_tokens: tuple[int, ...]
    seconds: float
    tokens_per_s: float
    latency_p50_s: float
    latency_p95_s: float


def blocks_of(document: Any) -> tuple[RealBlock, ...]:
    """The blocks of a real run. Raises RealRunError."""
    if not isinstance(document, list) or not document:
        raise RealRunError("a real run is a list of blocks, one at least")
    return tuple(_block(f"block {place}", one) for place, one in enumerate(document, start=1))


def _block(where: str, document: Any) -> RealBlock:
    if not isinstance(document, Mapping):
        raise RealRunError(f"{where}: a block is an object")
    names = RealBlock.__dataclass_fields__
    missing = [name for name in names if name != "tokens" and name not in document]
    if missing:
        raise RealRunError(f"{where}: {missing[0]} is missing")
    setting = str(document["setting"])
    return RealBlock(
        phase=str(document["phase"]),
        setting=setting,
        tokens=_depth(where, setting),
        clients=_lengths(where, "clients", document["clients"])[0],
        mix=_mix(where, document["mix"]),
        input_tokens=_lengths(where, "input_tokens", document["input_tokens"]),
        output_tokens=_lengths(where, "output_tokens", document["output_tokens"]),
        seconds=_positive(where, "seconds", document["seconds"]),
        tokens_per_s=_positive(where, "tokens_per_s", document["tokens_per_s"]),
        latency_p50_s=_positive(where, "latency_p50_s", document["latency_p50_s"]),
        latency_p95_s=_positive(where, "latency_p95_s", document["latency_p95_s"]),
    )


def _depth(where: str, setting: str) -> int | None:
    if setting == GOODPUT:
        return None
    if setting == OFF:
        return 0
    digits = setting.removeprefix(_PREFIX)
    if setting.startswith(_PREFIX) and digits.isdecimal() and int(digits) <= _DEEPEST:
        return int(digits)
    raise RealRunError(
        f"{where}: setting is {setting!r}: give {OFF}, {GOODPUT} or {_PREFIX}1 to {_PREFIX}"
        f"{_DEEPEST}"
    )


def _mix(where: str, value: Any) -> Mapping[str, float]:
    if not isinstance(value, Mapping) or not value:
        raise RealRunError(f"{where}: mix is {value!r}: give the share of one segment at least")
    return {str(name): _positive(where, f"mix.{name}", share) for name, share in value.items()}


def _lengths(where: str, name: str, value: Any) -> tuple[int, ...]:
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if not values or any(
        isinstance(one, bool) or not isinstance(one, int) or one < 1 for one in values
    ):
        raise RealRunError(f"{where}: {name} is {value!r}: give whole numbers, 1 or more")
    return tuple(values)


def _positive(where: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RealRunError(f"{where}: {name} is {value!r}: give a number")
    if not (math.isfinite(value) and value > 0):
        raise RealRunError(f"{where}: {name} is {value!r}: give a number above 0")
    return float(value)
