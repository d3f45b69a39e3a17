"""What was measured that a rollout may follow from; the tuning loop makes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class CanaryView:
    """What the canary did so far. Rates are shares; seconds per output token, None: too few."""

    pod: str
    seconds: float
    drafts: float
    acceptance_rate: float | None
    seconds_per_token: float | None = None
    others_seconds_per_token: float | None = None


@dataclass(frozen=True)
class DecayView:
    """Acceptance below its own level of the last hours since ``since``; both rates are shares."""

    since: datetime
    level: float
    rate: float


@dataclass(frozen=True)
class StoppedView:
    """``pods`` of ``of`` replicas draft no more since ``since``: their engine ended speculation."""

    since: datetime
    pods: tuple[str, ...]
    of: int


@dataclass(frozen=True)
class DepthsView:
    """What every K would take, over the traffic since pods with this K of ``tokens`` serve.

    ``ratios`` are seconds per output token against those at ``tokens`` (1.0), by K from 0 on;
    ``deviations`` those of their logs, ``tokens_per_step`` what a step makes. ``batch`` and
    ``seconds_per_token`` are means, ``busy`` is the share of time with decoding requests,
    ``seconds`` how long there were any.
    """

    tokens: int
    ratios: tuple[float, ...]
    deviations: tuple[float, ...]
    tokens_per_step: tuple[float, ...]
    batch: float
    seconds_per_token: float
    busy: float
    seconds: float


@dataclass(frozen=True)
class RolloutEvidence:
    """``off_since``: no token is drafted at the present load since then, by ``off_reason``.

    ``batch`` are decoding requests of the busiest replica over the last minute. Without the draft,
    ``worth`` is the K that what was learned with it would take at this load, since ``worth_since``.
    ``depths`` is for engines that keep the K of their start.
    """

    off_since: datetime | None = None
    off_reason: str = ""
    batch: float | None = None
    worth: int = 0
    worth_since: datetime | None = None
    canary: CanaryView | None = None
    decay: DecayView | None = None
    stopped: StoppedView | None = None
    depths: DepthsView | None = None
