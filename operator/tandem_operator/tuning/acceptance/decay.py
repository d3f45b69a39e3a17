"""Acceptance that decays over hours: below its own level, under the same load and traffic.

Drafts are counted in buckets of ten minutes and kept for six hours. It has decayed when each of the
last three buckets accepts ten points less than the median of at least six earlier ones that had
alike load and alike shares of the traffic's segments. A level that stays low for six hours is the
level: then the traffic has changed, and nothing has decayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import median
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter

BUCKET_S = 600.0
KEPT = 36
RECENT = 3
LEAST_EARLIER = 6
LEAST_JUDGED = 300.0
"""Accepted tokens and rejections without which a bucket tells nothing (3 points of error)."""
FALL = 0.10
LOAD_RATIO = 1.5
MIX_DISTANCE = 0.15
"""Half the sum of differences of the segments' shares."""


@dataclass(frozen=True)
class Bucket:
    """Ten minutes. ``load`` is the mean of decoding requests, ``mix`` judged drafts by segment."""

    began_s: float
    accepted: float = 0.0
    rejected: float = 0.0
    load_sum: float = 0.0
    looks: int = 0  # rounds; named as it is written into `<name>-tuner`
    mix: Mapping[str, float] = field(default_factory=dict)

    @property
    def judged(self) -> float:
        return self.accepted + self.rejected

    @property
    def rate(self) -> float:
        return self.accepted / self.judged

    @property
    def load(self) -> float:
        return self.load_sum / max(self.looks, 1)


@dataclass(frozen=True)
class Decay:
    """``level`` and ``rate`` are shares: what it was, what it is since ``since_s``."""

    since_s: float
    level: float
    rate: float


@dataclass(frozen=True)
class AcceptanceHistory:
    """Closed buckets that tell something, oldest first, and the one that is being filled."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(allow_inf_nan=False, extra="forbid")

    closed: tuple[Bucket, ...] = ()
    filling: Bucket | None = None

    def to_json(self) -> str:
        """One line of JSON."""
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(text: str) -> AcceptanceHistory:
        """What `to_json` wrote; a damaged value is dropped, it only saves hours."""
        try:
            return _ADAPTER.validate_json(text)
        except ValueError:
            return AcceptanceHistory()


_ADAPTER: TypeAdapter[AcceptanceHistory] = TypeAdapter(AcceptanceHistory)


def added(
    history: AcceptanceHistory,
    now_s: float,
    accepted: float,
    rejected: float,
    load: float,
    segments: Mapping[str, tuple[float, float]],
) -> AcceptanceHistory:
    """The history with one round; ``segments`` are (accepted, rejected) by name."""
    filling, closed = history.filling or Bucket(now_s), history.closed
    if not 0 <= now_s - filling.began_s < BUCKET_S:
        if filling.judged >= LEAST_JUDGED:
            closed = (*closed, filling)
        filling = Bucket(now_s)
    closed = tuple(each for each in closed[-KEPT:] if 0 <= now_s - each.began_s <= KEPT * BUCKET_S)
    mix = dict(filling.mix)
    for name, (taken, refused) in segments.items():
        mix[name] = mix.get(name, 0.0) + taken + refused
    filling = replace(
        filling,
        accepted=filling.accepted + accepted,
        rejected=filling.rejected + rejected,
        load_sum=filling.load_sum + load,
        looks=filling.looks + 1,
        mix=mix,
    )
    return AcceptanceHistory(closed, filling)


def decay_of(history: AcceptanceHistory) -> Decay | None:
    """The decay, if there is one."""
    earlier, recent = history.closed[:-RECENT], history.closed[-RECENT:]
    if len(recent) < RECENT:
        return None
    alike = [each for each in earlier if all(_alike(each, one) for one in recent)]
    if len(alike) < LEAST_EARLIER:
        return None
    level = median(each.rate for each in alike)
    if any(each.rate > level - FALL for each in recent):
        return None
    rate = sum(each.accepted for each in recent) / sum(each.judged for each in recent)
    return Decay(recent[0].began_s, level, rate)


def _alike(one: Bucket, other: Bucket) -> bool:
    low, high = sorted((one.load, other.load))
    if high > LOAD_RATIO * max(low, 0.5):
        return False
    names = one.mix.keys() | other.mix.keys()
    sums = [max(sum(each.mix.values()), 1.0) for each in (one, other)]
    distance = sum(
        abs(one.mix.get(name, 0.0) / sums[0] - other.mix.get(name, 0.0) / sums[1]) for name in names
    )
    return distance / 2 <= MIX_DISTANCE
