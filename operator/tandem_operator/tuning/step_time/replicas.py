"""Replicas beside each other: who is slower, who reports what the others contradict.

Each replica has a factor of step time against the middle one, smoothed; cells are gathered without
it. A replica whose factor is above 1.3 (or below 1/1.3) in three windows running, or whose
acceptance stands far above all others', is an outlier: named, and left out until it is back.
Replicas that join or leave change nothing that was learned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tandem_operator.tuning.acceptance.counts import Drafts

STRANGE_FACTOR = 1.3
STRANGE_WINDOWS = 3
STRANGE_RATE = 0.25
HEAVIEST_SHARE = 3.0
"""A replica counts at most this many times the drafts of the middle one."""
_TRACKED_S = 20.0
_FORGOTTEN_S = 3600.0


@dataclass(frozen=True)
class Replica:
    """``level``: log of its step time over the middle one's. ``strange``: windows in a row."""

    name: str
    level: float = 0.0
    strange: int = 0
    seen_s: float = 0.0

    @property
    def outlier(self) -> bool:
        return self.strange >= STRANGE_WINDOWS


def watched(
    known: Sequence[Replica],
    ratios: Mapping[str, float],
    now_s: float,
    duration_s: float,
) -> tuple[Replica, ...]:
    """Replicas after one scrape; ``ratios``: log of measured over fitted step time by name."""
    by_name = {replica.name: replica for replica in known if now_s - replica.seen_s < _FORGOTTEN_S}
    share = min(1.0, max(0.0, duration_s) / _TRACKED_S)
    middle = median(ratios.values()) if ratios else 0.0
    for name, ratio in ratios.items():
        old = by_name.get(name, Replica(name))
        # Of two the slower is strange, since which is wrong is unknown.
        far = ratio - min(ratios.values()) if len(ratios) == 2 else abs(ratio - middle)
        strange = far > math.log(STRANGE_FACTOR)
        target = max(-1.5, min(1.5, ratio - middle))
        by_name[name] = Replica(
            name=name,
            level=round(old.level + share * (target - old.level), 5),
            strange=min(old.strange + 1, 2 * STRANGE_WINDOWS)
            if strange
            else max(0, old.strange - 1),
            seen_s=now_s,
        )
    return tuple(sorted(by_name.values(), key=lambda replica: replica.name))


def trusted_drafts(drafts: Mapping[str, Drafts]) -> dict[str, Drafts]:
    """Drafts by replica without those that none of the others bears out, none outweighing all."""
    counted = {name: one for name, one in drafts.items() if one.count >= 1}
    if len(counted) < 3:
        return counted
    rates = {name: one.rate or 0.0 for name, one in counted.items()}
    middle = median(one.count for one in counted.values())
    kept = {}
    for name, one in counted.items():
        others = [rate for other, rate in rates.items() if other != name]
        if rates[name] - max(others) > STRANGE_RATE:
            continue
        weight = min(1.0, HEAVIEST_SHARE * middle / one.count)
        kept[name] = Drafts(
            tuple(value * weight for value in one.accepted),
            tuple(value * weight for value in one.reached),
        )
    return kept
