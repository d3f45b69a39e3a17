"""Requests inside a simulated engine, the steps that serve them, and what limits a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tandem_operator.simulation.world.load.trace import Arrival


@dataclass(frozen=True)
class Limits:
    """What the engine was started with."""

    max_running: int = 256
    step_tokens: int = 2048  # budget of decode and prefill tokens of one step


@dataclass(slots=True)
class Admitted:
    """A request inside the engine; `row` is its place in the arrays once it decodes."""

    arrival: Arrival
    arrived_s: float
    prefill: int
    segment: int
    first_token_s: float = -1.0


class Finished(NamedTuple):
    """A request that ended: its latency is `end_s - arrived_s`, all in seconds."""

    arrival: Arrival
    arrived_s: float
    first_token_s: float
    end_s: float
    concurrency: int


class Step(NamedTuple):
    """What one step did; `batch` counts decoding requests, `tokens` is the K that it verified."""

    seconds: float
    batch: int
    tokens: int
    prefill: int
    context: float
    generated: int
    finished: tuple[Finished, ...]
