"""How long what a rollout brought lasts at least."""

from __future__ import annotations

from datetime import datetime, timedelta

from tandem_operator.engines.interface.rollout_times import RolloutTimes


def over(since: datetime | None, seconds: float, now: datetime) -> bool:
    """Whether so many seconds have passed; a time that never was is long ago."""
    return since is None or now - since >= timedelta(seconds=seconds)


def doubled(
    since: datetime | None, before_s: float, first_s: float, now: datetime, times: RolloutTimes
) -> float:
    """The next dwell: the first one after a calm as long as the longest, else twice the last."""
    if since is None or before_s <= 0 or over(since, times.longest_dwell, now):
        return first_s
    return min(2 * before_s, times.longest_dwell)
