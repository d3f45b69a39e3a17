"""What a run came to: seconds used and lost against the oracle, step by step.

Steps are noted as they happen and judged together, many at once, when survival changes or the next
window closes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tandem_operator.simulation.oracle import Knowledge, Oracle
from tandem_operator.simulation.results.interval import Interval, Moment
from tandem_operator.simulation.world.draws import Floats
from tandem_operator.simulation.world.replica import Replica
from tandem_operator.simulation.world.requests import Finished, Step
from tandem_operator.tuning import Window

FIRST_S = 120.0


@dataclass
class Account:
    """What a run came to. Seconds are of busy engine time but for `end_s`, the wall clock.

    `first_loss_s` and `first_busy_s` are of the first two minutes; `off_s` and `bare_s` are what
    K = 0 would have taken for the same tokens, with the draft loaded and without it.
    """

    busy_s: float = 0.0
    loss_s: float = 0.0
    first_busy_s: float = 0.0
    first_loss_s: float = 0.0
    off_s: float = 0.0
    bare_s: float = 0.0
    steps: int = 0
    generated_tokens: int = 0
    end_s: float = 0.0
    finished: list[Finished] = field(default_factory=list)
    timeline: list[Moment] = field(default_factory=list)

    @property
    def regret(self) -> float:
        """1 - the oracle's time for the same tokens from the same states / the time used.

        The oracle has the draft loaded: an engine without it may do better, below 0.
        """
        return self.loss_s / self.busy_s if self.busy_s else 0.0

    @property
    def first_regret(self) -> float:
        """The same over the first two minutes."""
        return self.first_loss_s / self.first_busy_s if self.first_busy_s else 0.0

    @property
    def tax(self) -> float:
        """Share by which K = 0 is slower with the draft loaded than without it, in these states."""
        return self.off_s / self.bare_s - 1.0 if self.bare_s else 0.0


class Book:
    """Keeps the account of one run. `gains` are the oracle's, by segment and tier.

    `token_shares` are the segments' shares of all output tokens. Without the draft `loaded`, each
    step is spared what keeps the draft in sync.
    """

    def __init__(self, oracle: Oracle, loaded: bool, token_shares: Sequence[float]) -> None:
        self.account = Account()
        self.gains: Floats = np.ones((1, len(oracle.tiers)))
        self._loaded = loaded
        self._token_shares = np.asarray(token_shares)
        self.judge_by(oracle)
        self._places = {tier: place for place, tier in enumerate(oracle.tiers)}
        self._records: list[tuple[float, ...]] = []
        self._counts: list[tuple[int, ...]] = []
        self._interval = Interval()
        self._mixes: dict[tuple[int, ...], list[float]] = {}

    def believe(self, gains: Floats) -> None:
        """Other gains from now on; what was noted before is settled."""
        self.gains = gains
        self._mixes.clear()

    def judge_by(self, oracle: Oracle) -> None:
        """Another truth of step times, of the same tiers; what was noted before is settled."""
        self._oracle = oracle
        self._spared_s = 0.0 if self._loaded else oracle.sync_s

    def best(self, replica: Replica, following: int, prefill: int, knows: Knowledge) -> int:
        """The best K to draft for `following` requests by what is known; 0 when that is nothing."""
        if knows is Knowledge.NOTHING:
            return 0
        mix = () if knows is Knowledge.TEXTS or not replica.batch else tuple(replica.segment_counts)
        gains = self._mixes.get(mix)
        if gains is None:
            gains = self._mixes[mix] = self._mixed(mix).tolist()
        return self._oracle.best(replica.batch or following, float(replica.context), prefill, gains)

    def _mixed(self, mix: Sequence[int]) -> Floats:
        """Gains by tier of requests so many of each segment; of all prompts where none is named."""
        if not mix:
            # Prompts that gain less take more steps: of so many tokens each, gains are harmonic.
            return np.asarray(1.0 / (self._token_shares @ (1.0 / self.gains)))
        counts = np.array(mix, dtype=np.float64)
        return np.asarray(counts @ self.gains / counts.sum())

    def record(
        self,
        now_s: float,
        batch: int,
        context: int,
        prefill: int,
        tokens: int,
        segment_counts: Sequence[int],
    ) -> None:
        """Note the state before a step and the K that was chosen for it."""
        self._records.append((now_s, batch, context, prefill, self._places[tokens], tokens))
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
        if not self._records:
            return
        notes = np.array(self._records, dtype=np.float64)
        counts = np.array(self._counts, dtype=np.float64)
        gains = counts @ self.gains / counts.sum(axis=1, keepdims=True)
        judged = self._oracle.evaluate(notes[:, 1], notes[:, 2], notes[:, 3], gains)
        rows, places = np.arange(len(notes)), notes[:, 4].astype(int)
        lost = judged.losses_s[rows, places] - self._spared_s
        made = gains[rows, places]
        # K = 0 makes the same tokens by one step like this one and further ones without prefill.
        off_s = judged.times_s[:, 0] + (made - 1.0) * judged.off_s
        account, interval = self.account, self._interval
        account.loss_s += float(lost.sum())
        account.first_loss_s += float(lost[notes[:, 0] < FIRST_S].sum())
        bare_s = float(off_s.sum()) - self._oracle.sync_s * float(made.sum())
        account.off_s += float(off_s.sum())
        account.bare_s += bare_s
        interval.loss_s += float(lost.sum())
        interval.used_s += float((judged.times_s[rows, places] - self._spared_s).sum())
        interval.off_s += float(off_s.sum())
        interval.bare_s += bare_s
        interval.steps += len(notes)
        interval.tokens += float(notes[:, 5].sum())
        best = np.array(self._oracle.tiers)[np.argmin(judged.losses_s, axis=1)]
        interval.best += float(best.sum())
        self._records.clear()
        self._counts.clear()

    def close(self, window: Window, rejections: int) -> None:
        """End the interval that `window` covers."""
        self.account.timeline.append(self._interval.moment(window, rejections))
        self._interval = Interval()
