"""One scrape interval of a simulated run: for plots, and for what happened when."""

from __future__ import annotations

from dataclasses import dataclass

from tandem_operator.tuning import Window


@dataclass(frozen=True, slots=True)
class Moment:
    """What one scrape interval came to; it ended at `now_s`.

    `tokens` and `best_tokens` are the mean K used and the oracle's over `steps` decoding steps.
    `busy_s` is engine time as it was. The others are expected times of the decoding steps, without
    noise: `used_s` with the K that was chosen, `loss_s` of it lost against the oracle, `off_s` with
    K = 0 for the same tokens, and `bare_s` with K = 0 and no draft loaded.
    """

    now_s: float
    running: int
    waiting: int
    steps: int
    generated_tokens: int
    tokens: float
    best_tokens: float
    acceptance_rate: float | None
    time_per_token_s: float | None
    busy_s: float
    loss_s: float
    used_s: float
    off_s: float
    bare_s: float


@dataclass
class Interval:
    """Sums over the steps of one scrape interval."""

    busy_s: float = 0.0
    loss_s: float = 0.0
    used_s: float = 0.0
    off_s: float = 0.0
    bare_s: float = 0.0
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
            steps=self.steps,
            generated_tokens=int(window.generated_tokens),
            tokens=self.tokens / steps,
            best_tokens=self.best / steps,
            acceptance_rate=accepted / judged if judged else None,
            time_per_token_s=window.request_step_seconds / decoded if decoded > 0 else None,
            busy_s=self.busy_s,
            loss_s=self.loss_s,
            used_s=self.used_s,
            off_s=self.off_s,
            bare_s=self.bare_s,
        )
