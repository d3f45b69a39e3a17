"""The speculation table: how many tokens to draft, by the number of decoding requests.

The operator renders it into a ConfigMap, the engine's plugin parses it.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn, TypeGuard

from tandem_runtime.contract.hysteresis import USUAL_PERCENT

VERSION = 1
MAX_BYTES = 64 * 1024
"""A larger file is refused unread: a table of every batch size needs a tenth of it."""
MAX_TOKENS = 1024
MAX_REQUESTS = 1_000_000
MAX_RANGES = 1024
MAX_NAMED_SEGMENTS = 16
"""Segments that are counted by name; requests of any other count as `OTHER_SEGMENT`."""
OTHER_SEGMENT = "other"
SEGMENT_NAME = re.compile(r"[a-z0-9-]{1,32}")

BYPASS = "Bypass"
ALLOW = "Allow"


class TableError(ValueError):
    """The text is no speculation table. The message names the key, its value and what it may be."""


class Range(NamedTuple):
    """K for `first` to `last` decoding requests, both included; as JSON `[first, last, tokens]`."""

    first: int
    last: int
    tokens: int


@dataclass(frozen=True)
class Explore:
    """Every `every` steps, `steps` steps run at K plus one of `offsets`, the next one next time."""

    every: int
    steps: int
    offsets: tuple[int, ...]


@dataclass(frozen=True)
class Segment:
    """What one kind of traffic may have: at most `max_tokens` drafted tokens a step."""

    max_tokens: int


@dataclass(frozen=True)
class SpeculationTable:
    """One table. `epoch` and `generation` order the tables of one lock; see `supersedes`.

    `schedule` and `prefill_schedule` are contiguous from 1 and the last range extends upward.
    `max_concurrency`: above it K is 0 at once; None is no limit.
    """

    lock: str
    generation: int
    schedule: tuple[Range, ...]
    epoch: str = ""
    enabled: bool = True
    prefill_schedule: tuple[Range, ...] | None = None
    explore: Explore | None = None
    hysteresis_percent: int = USUAL_PERCENT
    constrained_output: str = BYPASS
    max_concurrency: int | None = None
    segments: Mapping[str, Segment] = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse a table that no reader would take. Raises TableError."""
        _check_schedule("schedule", self.schedule)
        if self.prefill_schedule is not None:
            _check_schedule("prefillSchedule", self.prefill_schedule)

    def tokens_for(self, batch: int) -> int:
        """K for this many decoding requests, without hysteresis; 0 when speculation is off."""
        if not self.enabled:
            return 0
        if self.max_concurrency is not None and batch > self.max_concurrency:
            return 0
        return self.schedule[position_of(self.schedule, batch)].tokens

    def supersedes(self, applied: SpeculationTable | None) -> bool:
        """Whether a reader that has `applied` in force takes this table instead.

        A new epoch (the ConfigMap was made again) is always taken, an older generation within an
        epoch never. The first write of an epoch's table lacks the epoch: it never displaces one
        of the same lock that has it, unless its generation is higher.
        """
        if applied is None or self.lock != applied.lock:
            return True
        if self.epoch and self.epoch != applied.epoch:
            return True
        return self.generation > applied.generation


def position_of(schedule: tuple[Range, ...], batch: int) -> int:
    """Index of the range that holds `batch`; below the first is the first, above the last the last.

    Complexity: logarithmic in the number of ranges.
    """
    index = bisect_left(schedule, batch, key=lambda span: span.last)
    return min(index, len(schedule) - 1)


def parse(text: str | bytes) -> SpeculationTable:
    """The table in `text`; unknown keys are ignored, so that older readers take newer tables.

    Raises:
        TableError: not JSON, too large, another version, a missing key or a value out of range.
    """
    if len(text) > MAX_BYTES:
        _refuse("the file", f"{len(text)} bytes", f"at most {MAX_BYTES}")
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise TableError(f"the table is not JSON: {error}") from error
    return from_document(document)


def from_document(document: object) -> SpeculationTable:
    """The table in a decoded JSON document. Raises TableError as `parse`."""
    if not isinstance(document, dict):
        _refuse("the table", document, "a JSON object")
    version = _integer(document, "version", VERSION, 1, MAX_REQUESTS)
    if version != VERSION:
        _refuse("version", version, str(VERSION))
    if "schedule" not in document:
        _refuse("schedule", None, "a list of [first, last, tokens]")
    prefill = document.get("prefillSchedule")
    limit = document.get("maxConcurrency")
    return SpeculationTable(
        lock=_text(document, "lock"),
        epoch=_text(document, "epoch"),
        generation=_integer(document, "generation", 0, 0, 2**62),
        enabled=_boolean(document, "enabled", True),
        schedule=_ranges("schedule", document["schedule"]),
        prefill_schedule=None if prefill is None else _ranges("prefillSchedule", prefill),
        explore=_explore(document.get("explore")),
        hysteresis_percent=_integer(document, "hysteresisPercent", USUAL_PERCENT, 0, 100),
        constrained_output=_choice(document, "constrainedOutput", (BYPASS, ALLOW)),
        max_concurrency=None
        if limit is None
        else _integer(document, "maxConcurrency", 0, 0, MAX_REQUESTS),
        segments=_segments(document.get("segments")),
        reason=_text(document, "reason"),
    )


def render(table: SpeculationTable) -> str:
    """The table as JSON, always the same bytes for the same table; absent keys are left out."""
    document: dict[str, Any] = {
        "version": VERSION,
        "lock": table.lock,
        "generation": table.generation,
        "enabled": table.enabled,
        "schedule": table.schedule,
        "hysteresisPercent": table.hysteresis_percent,
        "constrainedOutput": table.constrained_output,
    }
    if table.epoch:
        document["epoch"] = table.epoch
    if table.prefill_schedule is not None:
        document["prefillSchedule"] = table.prefill_schedule
    if table.explore is not None:
        document["explore"] = {
            "every": table.explore.every,
            "steps": table.explore.steps,
            "offsets": list(table.explore.offsets),
        }
    if table.max_concurrency is not None:
        document["maxConcurrency"] = table.max_concurrency
    if table.segments:
        # In the table's own order: the first sixteen are counted by name.
        document["segments"] = {
            name: {"maxTokens": segment.max_tokens} for name, segment in table.segments.items()
        }
    if table.reason:
        document["reason"] = table.reason
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True)


def _check_schedule(key: str, schedule: tuple[Range, ...]) -> None:
    if not schedule or len(schedule) > MAX_RANGES:
        _refuse(key, f"{len(schedule)} ranges", f"1 to {MAX_RANGES} ranges")
    expected = 1
    for index, (first, last, tokens) in enumerate(schedule):
        at = f"{key}[{index}]"
        if first != expected:
            _refuse(f"{at} first", first, f"{expected}: ranges are contiguous from 1")
        if not first <= last <= MAX_REQUESTS:
            _refuse(f"{at} last", last, f"from {first} to {MAX_REQUESTS}")
        if not 0 <= tokens <= MAX_TOKENS:
            _refuse(f"{at} tokens", tokens, f"from 0 to {MAX_TOKENS}")
        expected = last + 1


def _ranges(key: str, value: object) -> tuple[Range, ...]:
    if not isinstance(value, list):
        _refuse(key, value, "a list of [first, last, tokens]")
    ranges = []
    for index, item in enumerate(value):
        if not isinstance(item, list) or len(item) != 3 or not all(map(_is_integer, item)):
            _refuse(f"{key}[{index}]", item, "three integers [first, last, tokens]")
        ranges.append(Range(*item))
    return tuple(ranges)


def _explore(value: object) -> Explore | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        _refuse("explore", value, "an object with every, steps and offsets")
    offsets = value.get("offsets")
    if (
        not isinstance(offsets, list)
        or not 1 <= len(offsets) <= 64
        or not all(_is_integer(offset) and abs(offset) <= MAX_TOKENS for offset in offsets)
    ):
        _refuse("explore.offsets", offsets, "1 to 64 integers")
    every = _integer(value, "every", None, 1, 2**31, "explore.")
    steps = _integer(value, "steps", None, 1, every, "explore.")
    return Explore(every=every, steps=steps, offsets=tuple(offsets))


def _segments(value: object) -> dict[str, Segment]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MAX_RANGES:
        _refuse("segments", value, "an object of segment names")
    segments = {}
    for name, content in value.items():
        if not SEGMENT_NAME.fullmatch(name):
            _refuse("segments", name, f"names of the form {SEGMENT_NAME.pattern}")
        if not isinstance(content, dict):
            _refuse(f"segments.{name}", content, "an object with maxTokens")
        most = _integer(content, "maxTokens", MAX_TOKENS, 0, MAX_TOKENS, f"segments.{name}.")
        segments[name] = Segment(max_tokens=most)
    return segments


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _integer(
    holder: dict[str, Any], key: str, default: int | None, least: int, most: int, where: str = ""
) -> int:
    value = holder.get(key, default)
    if not _is_integer(value) or not least <= value <= most:
        _refuse(where + key, value, f"an integer from {least} to {most}")
    return value


def _boolean(holder: dict[str, Any], key: str, default: bool) -> bool:
    value = holder.get(key, default)
    if not isinstance(value, bool):
        _refuse(key, value, "true or false")
    return value


def _text(holder: dict[str, Any], key: str) -> str:
    value = holder.get(key, "")
    if not isinstance(value, str):
        _refuse(key, value, "a string")
    return value


def _choice(holder: dict[str, Any], key: str, choices: tuple[str, ...]) -> str:
    value = holder.get(key, choices[0])
    if value not in choices:
        _refuse(key, value, " or ".join(choices))
    return str(value)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _refuse(key: str, value: object, wanted: str) -> NoReturn:
    shown = f"{value!r}"[:80] if not isinstance(value, float) or math.isfinite(value) else "NaN"
    raise TableError(f"{key} is {shown}; it must be {wanted}")
