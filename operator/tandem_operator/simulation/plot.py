"""Draws load, K, acceptance and time per token of each policy over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl

from tandem_operator.simulation.interval import Moment
from tandem_operator.simulation.report import Outcome

mpl.use("Agg")
import matplotlib.pyplot as plt

SMOOTHED = 5
_PANELS: tuple[tuple[str, Callable[[Moment], float | None]], ...] = (
    ("requests running", lambda moment: float(moment.running)),
    ("K", lambda moment: moment.tokens),
    ("acceptance rate", lambda moment: moment.acceptance_rate),
    (
        "ms per token",
        lambda moment: None if moment.time_per_token_s is None else 1000 * moment.time_per_token_s,
    ),
)


def plot_outcomes(title: str, outcomes: Sequence[Outcome], path: Path) -> None:
    """Write a PNG with one panel a quantity and one line a policy.

    Raises OSError when the file cannot be written.
    """
    figure, axes = plt.subplots(len(_PANELS), 1, figsize=(11, 10), sharex=True)
    for axis, (label, value) in zip(axes, _PANELS, strict=True):
        for outcome in outcomes:
            times, values = _series(outcome.account.timeline, value)
            axis.plot(times, values, label=outcome.policy.name, linewidth=1)
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
    axes[0].legend(loc="upper right", ncols=len(outcomes), fontsize=8)
    axes[0].set_title(title)
    axes[-1].set_xlabel("minutes")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _series(
    moments: Sequence[Moment], value: Callable[[Moment], float | None]
) -> tuple[list[float], list[float]]:
    """Means over a few windows each, in minutes."""
    times, values = [], []
    for start in range(0, len(moments), SMOOTHED):
        group = moments[start : start + SMOOTHED]
        known = [one for one in map(value, group) if one is not None]
        if known:
            times.append(group[0].now_s / 60)
            values.append(sum(known) / len(known))
    return times, values
