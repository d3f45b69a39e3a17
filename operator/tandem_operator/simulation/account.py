"""What a run came to: seconds used and lost against the oracle, step by step.

Steps are noted as they happen and judged together, many at once, when survival changes or the next
window closes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tandem_operator.simulation.draws import Floats
from tandem_operator.simulation.oracle import Oracle
from tandem_operator.simulation.replica import Finished, Replica, Step
from tandem_operator.tuning import Window

FIRST_S = 120.0


@dataclass
class Account:
    """What a run came to. Seconds are of busy engine time but for `end_s`, the wall clock.

    `first_loss_s` and `first_busy_s` are of the first two minutes; `off_loss_s` is what K = 0 would
    have lost in the same states.
    """

    busy_s: float = 0.0
    loss_s: float = 0.0
    first_busy_s: float = 0.0
    first_loss_s: float = 0.0
    off_loss_s: float = 0.0
    steps: int = 0
    generated_tokens: int = 0
    end_s: float = 0.0
    finished: list[Finished] = field(default_factory=list)
    timeline: list[Moment] = field(default_factory=list)

    @property
    def regret(self) -> float:
        """1 - the oracle's time for the same tokens from the same states / the time used."""
        return self.loss_s / self.busy_s if self.busy_s else 0.0

    @property
    def first_regret(self) -> float:
        """The same over the first two minutes."""
        return self.first_loss_s / self.first_busy_s if self.first_busy_s else 0.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One scrape interval, for plots and for what happened when.

    `tokens` and `best_tokens` are the mean K used and the oracle's over decoding steps. Seconds of
    loss are against the oracle: of the policy, and of K = 0 in the same states.
    """

    now_s: float
    running: int
    waiting: int
    tokens: float
    best_tokens: float
    acceptance_rate: float | None
    time_per_token_s: float | None
    busy_s: float
    loss_s: float
    off_loss_s: float


class Book:
    """Keeps the account of one run. `gains` are the oracle's, by segment and tier."""

    def __init__(self, oracle: Oracle) -> None:
        self.account = Account()
        self.gains: Floats = np.ones((1, len(oracle.tiers)))
        self._oracle = oracle
        self._places = {tier: place for place, tier in enumerate(oracle.tiers)}
        self._notes: list[tuple[float, ...]] = []
        self._counts: list[tuple[int, ...]] = []
        self._interval = Interval()

    def best(self, replica: Replica, prefill: int) -> int:
        """The oracle's K for the next step."""
        counts = np.array(replica.segment_counts, dtype=np.float64)
        gains = (counts @ self.gains / counts.sum()).tolist()
        return self._oracle.best(replica.batch, float(replica.context), prefill, gains)

    def note(
        self,
        now_s: float,
        batch: int,
        context: int,
        prefill: int,
        tokens: int,
        segment_counts: Sequence[int],
    ) -> None:
        """Note the state before a step and the K that was chosen for it."""
        self._notes.append((now_s, batch, context, prefill, self._places[tokens], tokens))
        self._counts.append(tuple(segment_counts))

    def served(self, now_s: float, step: Step) -> None:
        account = self.account
        account.steps += 1
        account.busy_s += step.seconds
        self._interval.busy_s += step.seconds
        if now_s < FIRST_S:
            account.first_busy_s += step.seconds
        account.generated_tokens += step.generated
        if step.finished:
            account.finished.extend(step.finished)

    def settle(self) -> None:
        """Judge the noted steps."""
        if not self._notes:
            return
        notes = np.array(self._notes, dtype=np.float64)
        counts = np.array(self._counts, dtype=np.float64)
        gains = counts @ self.gains / counts.sum(axis=1, keepdims=True)
        losses_s = self._oracle.losses_s(notes[:, 1], notes[:, 2], notes[:, 3], gains)
        used = losses_s[np.arange(len(notes)), notes[:, 4].astype(int)]
        account, interval = self.account, self._interval
        account.loss_s += float(used.sum())
        account.off_loss_s += float(losses_s[:, 0].sum())
        account.first_loss_s += float(used[notes[:, 0] < FIRST_S].sum())
        interval.loss_s += float(used.sum())
        interval.off_loss_s += float(losses_s[:, 0].sum())
        interval.steps += len(notes)
        interval.tokens += float(notes[:, 5].sum())
        best = np.array(self._oracle.tiers)[np.argmin(losses_s, axis=1)]
        interval.best += float(best.sum())
        self._notes.clear()
        self._counts.clear()

    def close(self, window: Window, rejections: int) -> None:
        """End the interval that `window` covers."""
        self.account.timeline.append(self._interval.moment(window, rejections))
        self._interval = Interval()


@dataclass
class Interval:
    """Sums over the steps of one scrape interval."""

    busy_s: float = 0.0
    loss_s: float = 0.0
    off_loss_s: float = 0.0
    steps: int = 0
    tokens: float = 0.0
    best: float = 0.0

    def moment(self, window: Window, rejections: int) -> Moment:
        steps = max(1, self.steps)
        accepted = sum(window.accepted_by_position)
        judged = accepted + rejections
        decoded = window.generated_tokens - window.first_tokens
        return Moment(
            now_s=window.now_s,
            running=int(window.running),
            waiting=int(window.waiting),
            tokens=self.tokens / steps,
            best_tokens=self.best / steps,
            acceptance_rate=accepted / judged if judged else None,
            time_per_token_s=window.request_step_seconds / decoded if decoded > 0 else None,
            busy_s=self.busy_s,
            loss_s=self.loss_s,
            off_loss_s=self.off_loss_s,
        )
