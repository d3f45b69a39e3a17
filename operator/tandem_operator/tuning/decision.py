"""What the tuner answers with: the tables, why, and what it expects of them.

Read by `planning` (the table file, status), `telemetry` (audit records) and the simulator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tandem_runtime.contract.table import Range

Schedule = tuple[Range, ...]
"""Ranges contiguous from 1; the last one extends upward."""

# States of speculation, as in the resource's status.
ACTIVE = "Active"
IDLE = "Idle"


@dataclass(frozen=True)
class Prediction:
    """What the model expects at the present load with the decided table; None: not known.

    ``tokens_per_step`` and ``step_seconds`` are of a step without prefill; the times per output
    token hold the share of steps with prefill that there was of late.
    ``speedup`` is time per output token at K=0 over that at ``tokens``; ``speedup_baseline`` says
    whether the draft was loaded at that K=0 ("Idle") or not ("NotLoaded").
    """

    batch: float | None = None
    tokens: int | None = None
    tokens_per_step: float | None = None
    step_seconds: float | None = None
    time_per_output_token_s: float | None = None
    realised_time_per_output_token_s: float | None = None
    acceptance_rate: float | None = None
    survival: tuple[float, ...] = ()
    speedup: float | None = None
    speedup_baseline: str | None = None


@dataclass(frozen=True)
class Decision:
    """The tables in force and the rule that made them.

    ``reason`` is one of :data:`tandem_operator.tuning.reasons.REASONS`; ``message`` carries its
    numbers. ``explore`` has the keys of the table file (every, steps, offsets), or is None.
    ``changed`` is true when this call altered ``schedule``, ``prefill_schedule`` or ``state``.
    ``outliers`` names replicas that are left out, ``inputs`` holds what the decision rests on.
    """

    schedule: Schedule
    prefill_schedule: Schedule | None
    explore: Mapping[str, Any] | None
    state: str
    reason: str
    message: str
    predicted: Prediction = field(default_factory=Prediction)
    changed: bool = False
    outliers: tuple[str, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
