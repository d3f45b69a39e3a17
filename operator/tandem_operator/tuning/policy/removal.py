"""When to roll out without the draft: only for `offMode: Redeploy`, after ten minutes off.

An unused draft still costs its share of each step (keeping its cache in step). A rollout pays when
that share times the time it is saved, taken to be as long as it has been off already, exceeds what
the rollout costs. The share is known from windows without the draft or from the profile; unknown, a
rollout is advised only when the user's own threshold turned speculation off.
"""

from __future__ import annotations

from dataclasses import dataclass

OFF_FOR_S = 600.0
ROLLOUT_COST_S = 60.0
"""Engine seconds that a rollout loses: a warm-up and a drained replica, per replica."""


@dataclass(frozen=True)
class Removal:
    """An advice and its arithmetic."""

    off_s: float
    tax_share: float | None
    saved_s: float | None
    by_threshold: bool

    @property
    def message(self) -> str:
        if self.saved_s is None or self.tax_share is None:
            return f"off for {self.off_s:.0f} s by the user's threshold"
        return (
            f"off for {self.off_s:.0f} s; the loaded draft costs {100 * self.tax_share:.1f} % of a "
            f"step, {self.saved_s:.0f} s so far against {ROLLOUT_COST_S:.0f} s for a rollout"
        )


def removal_advised(
    off_since_s: float | None, now_s: float, tax_share: float | None, by_threshold: bool
) -> Removal | None:
    """The advice to roll out without the draft, or None."""
    if off_since_s is None or now_s - off_since_s < OFF_FOR_S:
        return None
    off_s = now_s - off_since_s
    saved_s = None if tax_share is None else off_s * tax_share
    if by_threshold or (saved_s is not None and saved_s > ROLLOUT_COST_S):
        return Removal(off_s, tax_share, saved_s, by_threshold)
    return None
