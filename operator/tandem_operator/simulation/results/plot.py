"""Draws load, K, acceptance and time per token of each policy over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from tandem_operator.simulation.results.interval import Moment
from tandem_operator.simulation.results.report import Outcome

mpl.use("Agg")
import matplotlib.pyplot as plt

POINTS = 120  # of a line: each is the mean of the windows in its stretch
_Value = Callable[[Moment], float | None]
_PANELS: tuple[tuple[str, _Value], ...] = (
    ("requests running", lambda moment: float(moment.running)),
    ("K in decoding steps", lambda moment: moment.tokens if moment.steps else None),
    ("acceptance rate, %", lambda moment: _scaled(moment.acceptance_rate, 100)),
    ("ms per output token", lambda moment: _scaled(moment.time_per_token_s, 1000)),
)
_STYLES: Mapping[str, Mapping[str, Any]] = {
    "goodput": {"color": "#0057b8", "linewidth": 2.0, "zorder": 3},
    "oracle": {"color": "black", "linestyle": "--", "zorder": 4},
    "static": {"color": "#e08214"},
    "off": {"color": "#999999"},
    "removed": {"color": "#999999", "linestyle": ":"},
    "thresholds": {"color": "#7b3294"},
}
_FIXED = {"color": "#2ca25f"}


def plot_outcomes(title: str, outcomes: Sequence[Outcome], path: Path) -> None:
    """Write a PNG with one panel a quantity and one line a policy.

    Raises OSError when the file cannot be written.
    """
    figure, axes = plt.subplots(len(_PANELS), 1, figsize=(11, 10), sharex=True)
    for axis, (label, value) in zip(axes, _PANELS, strict=True):
        for outcome in outcomes:
            name = outcome.policy.name
            style: Mapping[str, Any] = {"linewidth": 1.2} | dict(_STYLES.get(name, _FIXED))
            axis.plot(*series(outcome.account.timeline, value), label=name, **style)
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
        axis.set_ylim(bottom=0)
    figure.legend(
        *axes[0].get_legend_handles_labels(),
        loc="upper center",
        bbox_to_anchor=(0.5, 0.965),
        ncols=len(outcomes),
        frameon=False,
    )
    figure.suptitle(title, y=0.985)
    axes[-1].set_xlabel("minutes")
    figure.tight_layout(rect=(0, 0, 1, 0.955))
    figure.savefig(path, dpi=100)
    plt.close(figure)


def series(moments: Sequence[Moment], value: _Value) -> tuple[list[float], list[float]]:
    """Means over stretches of equal time, in minutes; stretches without a value are left out."""
    times, values = [], []
    for group in _stretches(moments):
        known = [one for one in map(value, group) if one is not None]
        if known:
            times.append((group[0].now_s + group[-1].now_s) / 120)
            values.append(sum(known) / len(known))
    return times, values


def _stretches(moments: Sequence[Moment]) -> Iterator[Sequence[Moment]]:
    size = max(1, -(-len(moments) // POINTS))
    for start in range(0, len(moments), size):
        yield moments[start : start + size]


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else factor * value
