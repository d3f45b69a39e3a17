"""A picture of the run: every setting in every phase, and K as the tuner moved it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes

from hack.tuning import phases

TUNED, OTHER = "#1b6ca8", "#b9c2cc"


def plot(document: Mapping[str, Any], journal: Path, out: Path) -> None:
    """Write the picture of `report.document_of`'s figures and the tuner's journal."""
    names = list(document["phases"])
    figure, rows = pyplot.subplots(2, len(names), figsize=(3.1 * len(names), 5.6), squeeze=False)
    windows = [json.loads(line) for line in journal.read_text().splitlines()]
    for column, name in enumerate(names):
        _settings(rows[0][column], name, document["phases"][name])
        _depth(rows[1][column], [window for window in windows if window["phase"] == name])
    rows[0][0].set_ylabel("tokens/s, median of blocks")
    rows[1][0].set_ylabel("mean K of 2 s")
    figure.tight_layout()
    figure.savefig(out, dpi=110)
    pyplot.close(figure)


def _settings(axes: Axes, name: str, phase: Mapping[str, Any]) -> None:
    rows = phase["settings"]
    rates = [rows[setting]["tokens_per_s"] for setting in rows]
    colours = [TUNED if setting == phases.GOODPUT else OTHER for setting in rows]
    axes.bar(range(len(rows)), rates, color=colours)
    axes.set_xticks(range(len(rows)), list(rows), rotation=60, ha="right", fontsize=8)
    best = phase["against_best"]
    axes.set_title(
        f"{name}\ngoodput / best fixed {best['value']:.2f} "
        f"({best['low']:.2f} to {best['high']:.2f})",
        fontsize=9,
    )


def _depth(axes: Axes, windows: list[dict[str, Any]]) -> None:
    at_s, depth, passed_s = [], [], 0.0
    for window in windows:
        passed_s += window["seconds"]
        if window["request_steps"]:
            at_s.append(passed_s)
            depth.append(window["draft_tokens"] / window["request_steps"])
    axes.plot(at_s, depth, color=TUNED, linewidth=1)
    axes.set_ylim(-0.3, 7.3)
    axes.set_xlabel("seconds in charge", fontsize=8)
