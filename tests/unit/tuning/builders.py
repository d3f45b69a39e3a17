"""Windows as an engine with known acceptance and step times would report them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tandem_operator.tuning import (
    Decision,
    Settings,
    State,
    StepCell,
    Window,
    initial_state,
    tune,
)


def window(
    now_s: float,
    *,
    tokens: int,
    acceptance: float,
    batch: float = 4,
    steps: int = 100,
    step_s: float = 0.02,
    duration_s: float = 2.0,
    **other: Any,
) -> Window:
    """``steps`` steps of ``batch`` requests, each drafting ``tokens`` accepted independently."""
    request_steps = steps * batch
    drafts = request_steps if tokens else 0
    accepted = tuple(drafts * acceptance ** (position + 1) for position in range(tokens))
    values: dict[str, Any] = {
        "now_s": now_s,
        "duration_s": duration_s,
        "running": batch,
        "waiting": 0,
        "request_steps": request_steps,
        "request_step_seconds": request_steps * step_s,
        "iterations": steps,
        "generated_tokens": request_steps + sum(accepted),
        "first_tokens": 0,
        "prefill_tokens": 0,
        "drafts": drafts,
        "draft_tokens": drafts * tokens,
        "accepted_by_position": accepted,
    }
    return Window(**(values | other))


def tokens_at(decision: Decision, batch: float) -> int:
    """K that the decided table gives so many decoding requests."""
    for start, top, tokens in decision.schedule:
        if start <= batch <= top:
            return tokens
    return decision.schedule[-1][2]


class Engine:
    """An engine with known truth that obeys each decision and explores a little.

    ``step_s(batch, tokens)`` and ``hazard`` are its truth; it reports exact means, with
    the plugin's cells and denominators unless ``stock``.
    """

    def __init__(
        self,
        step_s: Callable[[float, int], float],
        hazard: float,
        *,
        batch: int = 8,
        depths: Sequence[int] = range(8),
        stock: bool = False,
        scrape_s: float = 2.0,
        replica: str = "a",
    ) -> None:
        self.step_s = step_s
        self.hazard = hazard
        self.batch = batch
        self.now_s = 0.0
        self._depths = tuple(depths)
        self._stock = stock
        self._scrape_s = scrape_s
        self._replica = replica
        self._turn = 0
        self._owed = 0.0

    def window(self, decision: Decision, **other: Any) -> Window:
        """The window of one scrape interval under this decision."""
        self.now_s += self._scrape_s
        own = tokens_at(decision, self.batch)
        shares = {own: 1.0}
        if decision.explore and self._owed >= decision.explore["steps"] - 1:
            tried = self._tried(own, decision.explore["offsets"])
            if tried != own:
                most = self._scrape_s / self.step_s(self.batch, tried)
                share = min(1.0, self._owed / most)
                shares = {own: 1.0 - share, tried: share} if share < 1.0 else {tried: 1.0}
                self._owed = max(0.0, self._owed - most)
        mean_s = sum(share * self.step_s(self.batch, k) for k, share in shares.items())
        steps = self._scrape_s / mean_s
        if decision.explore:
            self._owed += steps * decision.explore["steps"] / decision.explore["every"]
        deepest = self._depths[-1]
        accepted, drafted = [0.0] * deepest, [0.0] * deepest
        drafts = draft_tokens = 0.0
        cells = []
        for k, share in shares.items():
            own_steps = steps * share
            cells.append(
                StepCell(
                    batch_from=self.batch,
                    batch_to=self.batch,
                    tokens=k,
                    with_prefill=False,
                    steps=own_steps,
                    seconds=own_steps * self.step_s(self.batch, k),
                    batch_sum=own_steps * self.batch,
                    context_sum=own_steps * self.batch * 500,
                    prefill_sum=0,
                )
            )
            if k:
                drafts += own_steps * self.batch
                draft_tokens += own_steps * self.batch * k
            for place in range(k):
                drafted[place] += own_steps * self.batch
                accepted[place] += own_steps * self.batch * self.hazard ** (place + 1)
        values: dict[str, Any] = {
            "replica": self._replica,
            "now_s": self.now_s,
            "duration_s": self._scrape_s,
            "running": self.batch,
            "waiting": 0,
            "context_tokens": None if self._stock else self.batch * 500,
            "request_steps": steps * self.batch,
            "request_step_seconds": self._scrape_s * self.batch,
            "iterations": steps,
            "generated_tokens": steps * self.batch + sum(accepted),
            "first_tokens": 0,
            "prefill_tokens": 0,
            "drafts": drafts,
            "draft_tokens": draft_tokens,
            "accepted_by_position": tuple(accepted),
            "drafted_by_position": None if self._stock else tuple(drafted),
            "cells": None if self._stock else tuple(cell for cell in cells if cell.steps >= 1),
        }
        return Window(**(values | other))

    def best(self) -> int:
        """K with the most expected tokens a second at the present batch."""
        return max(
            self._depths,
            key=lambda k: sum(self.hazard**i for i in range(k + 1)) / self.step_s(self.batch, k),
        )

    def seconds_per_token(self, tokens: int) -> float:
        gain = sum(self.hazard**place for place in range(tokens + 1))
        return self.step_s(self.batch, tokens) / gain

    def _tried(self, own: int, offsets: Sequence[int]) -> int:
        self._turn += 1
        if own == 0:
            return self._depths[1]
        place = self._depths.index(own) + offsets[self._turn % len(offsets)]
        return self._depths[min(max(place, 0), len(self._depths) - 1)]


def memory_bound(batch: float, tokens: int) -> float:
    """A big target and a cheap draft: deep drafts pay at small batches."""
    verified = batch * (tokens + 1)
    drafting = 0.0006 + tokens * 0.0008 if tokens else 0.0004
    return 0.02 + max(0.0, verified - 150) * 1.5e-4 + drafting


def drive(
    engine: Engine, settings: Settings, windows: int, state: State | None = None
) -> tuple[State, list[Decision]]:
    """Run the closed loop; the state goes through JSON at every turn, as in the operator."""
    state = initial_state(settings) if state is None else state
    state, decision = tune(state, (), settings)
    decisions = []
    for _ in range(windows):
        state, decision = tune(state, (engine.window(decision),), settings)
        state = State.from_json(state.to_json())
        decisions.append(decision)
    return state, decisions
