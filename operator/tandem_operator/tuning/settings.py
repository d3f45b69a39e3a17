"""What the user asks of the tuner, checked once.

Built by the control loop from ``spec.tuning`` and by the simulator from its options.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GOODPUT = "Goodput"
POLICIES = (GOODPUT, "Thresholds")
DEEPEST_TOKENS = 32


@dataclass(frozen=True)
class Thresholds:
    """The user's guardrails.

    ``min_acceptance_rate`` is a share (0-1) of drafted and reached tokens; below it for ``for_s``
    seconds speculation goes off, and comes back after ``for_s`` seconds at 5 points above it.
    ``max_concurrency`` is the number of decoding requests of one replica above which K is 0.
    """

    min_acceptance_rate: float | None = None
    max_concurrency: int | None = None
    for_s: float = 60

    def __post_init__(self) -> None:
        rate = self.min_acceptance_rate
        if rate is not None and not 0 <= rate <= 1:
            raise ValueError(
                f"thresholds.min_acceptance_rate is {rate}: give a share between 0 and 1"
            )
        if self.max_concurrency is not None and self.max_concurrency < 1:
            raise ValueError(
                f"thresholds.max_concurrency is {self.max_concurrency}: give at least 1, "
                "or max_tokens=0 to turn speculation off"
            )
        if not (math.isfinite(self.for_s) and self.for_s >= 0):
            raise ValueError(f"thresholds.for_s is {self.for_s}: give seconds, 0 or more")


@dataclass(frozen=True)
class Objective:
    """Latency objectives, as means over a window, in seconds; None: not asked for."""

    time_per_output_token_s: float | None = None
    time_to_first_token_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("time_per_output_token_s", "time_to_first_token_s"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"objective.{name} is {value}: give seconds above 0, or leave it")


@dataclass(frozen=True)
class Settings:
    """Everything that shapes decisions and is not measured.

    ``tiers`` are the depths that the engine was started with (None: all of 0 to ``max_tokens``);
    those above ``max_tokens`` are not used, and 0 is always among them. ``min_tokens`` and
    ``max_tokens`` bound K while speculation is active; guardrails may always choose 0.
    ``mixture_of_experts`` is (experts, experts active per token) of the target. ``profile``
    follows ``docs/profile.schema.json``. ``drafts_all`` says that the engine makes all drafts at
    every K, so that a lower one saves verification alone: what is believed before anything is
    measured.

    Raises:
        ValueError: a field is out of its bounds; the message names field, value and remedy.
    """

    max_tokens: int
    min_tokens: int = 0
    policy: str = "Goodput"
    mixture_of_experts: tuple[int, int] | None = None
    thresholds: Thresholds | None = None
    objective: Objective | None = None
    stabilization_s: float = 0
    tiers: tuple[int, ...] | None = None
    profile: Mapping[str, Any] | None = None
    drafts_all: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.max_tokens <= DEEPEST_TOKENS:
            raise ValueError(f"max_tokens is {self.max_tokens}: give 0 to {DEEPEST_TOKENS}")
        if not 0 <= self.min_tokens <= self.max_tokens:
            raise ValueError(
                f"min_tokens is {self.min_tokens}: give 0 to max_tokens ({self.max_tokens})"
            )
        if self.policy not in POLICIES:
            raise ValueError(f"policy is {self.policy!r}: give one of {', '.join(POLICIES)}")
        if not (math.isfinite(self.stabilization_s) and self.stabilization_s >= 0):
            raise ValueError(f"stabilization_s is {self.stabilization_s}: give seconds, 0 or more")
        experts = self.mixture_of_experts
        if experts is not None and not 1 <= experts[1] <= experts[0]:
            raise ValueError(
                f"mixture_of_experts is {experts}: give (experts, active) with 1 <= active <= "
                "experts"
            )
        if self.tiers is not None and any(not 0 <= tier <= DEEPEST_TOKENS for tier in self.tiers):
            raise ValueError(f"tiers is {self.tiers}: each is 0 to {DEEPEST_TOKENS}")

    @property
    def depths(self) -> tuple[int, ...]:
        """The K values that may be used at all, ascending, 0 first."""
        offered = range(self.max_tokens + 1) if self.tiers is None else self.tiers
        return tuple(sorted({0} | {tier for tier in offered if tier <= self.max_tokens}))

    @property
    def active_depths(self) -> tuple[int, ...]:
        """The depths inside the user's band; the deepest one below it when a band holds none."""
        inside = tuple(depth for depth in self.depths if depth >= self.min_tokens)
        return inside or (self.depths[-1],)

    @property
    def max_concurrency(self) -> int | None:
        return None if self.thresholds is None else self.thresholds.max_concurrency
