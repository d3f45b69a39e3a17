"""Counts of what the engine drafted, accepted and how long its steps took.

Pure; the scheduler hands over finished steps in bunches, the reporter takes snapshots.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tandem_runtime.plugin.metrics.cells import StepCells

_MOST_SEEN = 4096


class Step(NamedTuple):
    """One finished step, as the scheduler saw it; nothing in it is computed before it is needed."""

    seconds: float
    batch: int
    """Decoding requests in the step, those that prefill excluded."""
    depth: int
    """K that the step verified: as many drafts as the request with the most of them had."""
    drafting: int
    """K that the step drafted for the next one."""
    prefill_tokens: int
    verified_tokens: int
    """Tokens of decoding requests in the step: one each and their drafts."""
    context_tokens: int
    bypassed: int
    """Decoding requests that run without speculation."""
    steady: bool
    """Whether the step before had the same batch."""
    drafts: Mapping[str, Sequence[int]]
    """Drafts verified, by request."""
    invalid: Mapping[str, int]
    """Of them padding, which was never drafted."""
    rows: Mapping[str, int]
    """Where each request's count of sampled tokens stands."""
    sampled: Sequence[int]
    mixed: bool | None = None
    """Whether decoding requests verified different numbers of drafts; None: look at `drafts`."""


class StepCounters:
    """Sums since the process began. Not safe for threads: its owner takes turns."""

    def __init__(self) -> None:
        self._pairs: Counter[tuple[int, int]] = Counter()
        """Times that so many tokens were drafted and so many sampled."""
        self._sampled: dict[int, list[int]] = {}
        """Tokens sampled for each draft that is not counted yet, by the tokens drafted."""
        self._segments: dict[str, list[int]] = {}
        self._cells = StepCells()
        self._request_steps = 0
        self._request_step_seconds = 0.0
        self._iterations = 0
        self._bypassed_request_steps = 0
        self._mixed_steps = 0
        self._current = 0
        self._context = 0

    def add(self, step: Step, segments: Mapping[str, str]) -> None:
        """Count one step; `segments` names the segment of each request that has one."""
        self._iterations += 1
        self._context = step.context_tokens
        if step.batch:
            self._current = step.depth
            self._request_steps += step.batch
            self._request_step_seconds += step.batch * step.seconds
            self._bypassed_request_steps += step.bypassed
            self._cells.add(
                batch=step.batch,
                depth=step.depth,
                drafting=step.drafting,
                steady=step.steady,
                seconds=step.seconds,
                context_tokens=step.context_tokens,
                prefill_tokens=step.prefill_tokens,
                verified_tokens=step.verified_tokens,
            )
        if step.drafts:
            mixed = _mixed(step) if step.mixed is None else step.mixed
            # A step with prefill has rows of many lengths at any K.
            self._mixed_steps += mixed and not step.prefill_tokens
            if step.sampled:
                self._add_drafts(step, mixed)
                if segments:
                    self._add_segments(step, segments)

    def idle(self) -> None:
        """The engine has no request: there is no context."""
        self._context = 0

    def _add_drafts(self, step: Step, mixed: bool) -> None:
        drafts, rows, invalid = step.drafts, step.rows, step.invalid
        if not (mixed or invalid) and drafts.keys() == rows.keys():
            # The usual step; with hundreds of requests this is most of what the plugin costs.
            drafted = len(next(iter(drafts.values())))
            seen = self._sampled.setdefault(drafted, [])
            seen += step.sampled
            if len(seen) > _MOST_SEEN:
                self._fold()
            return
        if invalid or not rows.keys() >= drafts.keys():
            lengths: Mapping[str, Any] = {
                name: len(tokens) - invalid.get(name, 0)
                for name, tokens in drafts.items()
                if name in rows
            }
            measured: Iterable[int] = lengths.values()
        else:
            lengths, measured = drafts, map(len, drafts.values())
        taken = map(step.sampled.__getitem__, map(rows.__getitem__, lengths))
        self._pairs.update(zip(measured, taken, strict=True))

    def _fold(self) -> None:
        """Count the numbers of sampled tokens that were only put in a row."""
        for drafted, seen in self._sampled.items():
            self._pairs.update({(drafted, n): times for n, times in Counter(seen).items()})
            seen.clear()

    def _add_segments(self, step: Step, segments: Mapping[str, str]) -> None:
        for name in segments.keys() & step.drafts.keys() & step.rows.keys():
            drafted = len(step.drafts[name]) - step.invalid.get(name, 0)
            accepted = step.sampled[step.rows[name]] - 1
            if drafted > 0 and accepted >= 0:
                sums = self._segments.setdefault(segments[name], [0, 0, 0])
                sums[0] += drafted
                sums[1] += accepted
                sums[2] += accepted < drafted

    def snapshot(self) -> dict[str, Any]:
        """The sums as plain JSON values; positions count from 0."""
        # A request that was given no token was stopped while the step ran: it judged no draft.
        self._fold()
        judged = {
            (drafted, sampled - 1): times
            for (drafted, sampled), times in self._pairs.items()
            if drafted > 0 and sampled > 0
        }
        deepest = max((drafted for drafted, _ in judged), default=0)
        drafted_at, accepted_at = [0] * deepest, [0] * deepest
        rejected = 0
        for (drafted, accepted), times in judged.items():
            rejected += times * (accepted < drafted)
            for position in range(drafted):
                drafted_at[position] += times
                accepted_at[position] += times * (position < accepted)
        return {
            "drafts": sum(judged.values()),
            "draft_tokens": sum(drafted_at),
            "accepted_tokens": sum(accepted_at),
            "rejected_drafts": rejected,
            "drafted_by_position": drafted_at,
            "accepted_by_position": accepted_at,
            "segments": {name: list(sums) for name, sums in self._segments.items()},
            "cells": [[*key, *sums] for key, sums in self._cells.sums.items()],
            "request_steps": self._request_steps,
            "request_step_seconds": self._request_step_seconds,
            "iterations": self._iterations,
            "bypassed_request_steps": self._bypassed_request_steps,
            "mixed_depth_steps": self._mixed_steps,
            "current_tokens": self._current,
            "context_tokens": self._context,
        }


def _mixed(step: Step) -> bool:
    lengths = set(map(len, step.drafts.values()))
    return len(lengths) > 1 or len(step.drafts) < step.batch
