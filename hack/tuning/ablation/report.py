"""The table: what changed in the mean, and in the worst case, without each mechanism."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from hack.tuning.ablation.mechanism import WHOLE, Mechanism
from hack.tuning.ablation.outcome import PARTS, Case, Figures, Kept

HEADER = (
    *("without", "lines", "counters", "hours", "regret %", "worst case", "first 2 min"),
    *("worst collapse", "worst return", "changes/h", "files/h", "beyond tax", "engine changes"),
)
TITLE = "Change against the whole tuner: points of regret, windows, changes an hour."

Pair = tuple[Figures, Figures]
"""The same case with and without the mechanism."""


def table_of(mechanisms: Sequence[Mechanism], cases: Sequence[Case], kept: Kept) -> str:
    """Markdown. One row a mechanism and kind of counters; mean change over cases, the worst one."""
    lines = [TITLE, "", "| " + " | ".join(HEADER) + " |", "|" + "---|" * len(HEADER)]
    for mechanism in (WHOLE, *mechanisms):
        for kind in dict.fromkeys((case.counters, case.scrape_s) for case in cases):
            chosen = [case for case in cases if (case.counters, case.scrape_s) == kind]
            by_part = {part: _pairs(mechanism, chosen, kept, part) for part in PARTS}
            if not any(by_part.values()):
                continue
            hours = sum(
                case.horizon_s / 3600.0
                for case in chosen
                if kept.read(mechanism, case, "hour") is not None
            )
            label = f"{kind[0]}, {kind[1]:g} s"
            cells = _cells(by_part, whole=mechanism is WHOLE)
            row = (mechanism.name, str(mechanism.lines), label, f"{hours:g}", *cells)
            lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def _pairs(mechanism: Mechanism, cases: Sequence[Case], kept: Kept, part: str) -> list[Pair]:
    pairs = [(kept.read(WHOLE, case, part), kept.read(mechanism, case, part)) for case in cases]
    return [(whole, without) for whole, without in pairs if whole and without]


def _cells(by_part: dict[str, list[Pair]], *, whole: bool) -> tuple[str, ...]:
    hour, collapses = by_part["hour"], by_part["collapses"]
    if whole:
        worst = max((one["regret"] for one, _ in hour), default=None)
        first = _mean(hour, "first", whole=True)
        return (
            _mean(hour, "regret", whole=True),
            "-" if worst is None else f"{worst:.2f}",
            first,
            _longest(collapses, "collapse", whole=True),
            _longest(collapses, "back", whole=True),
            _mean(hour, "changes", "{:.0f}", whole=True),
            _mean(hour, "files", "{:.0f}", whole=True),
            _most(hour, "beyond_tax"),
            _mean(by_part["engine"], "engine", whole=True),
        )
    worst = max((w["regret"] - one["regret"] for one, w in hour), default=None)
    return (
        _mean(hour, "regret"),
        "-" if worst is None else f"{worst:+.2f}",
        _mean(hour, "first"),
        _longest(collapses, "collapse"),
        _longest(collapses, "back"),
        _mean(hour, "changes", "{:+.0f}"),
        _mean(hour, "files", "{:+.0f}"),
        _most(hour, "beyond_tax", compared=True),
        _mean(by_part["engine"], "engine"),
    )


def _mean(pairs: Sequence[Pair], name: str, form: str = "{:+.2f}", *, whole: bool = False) -> str:
    if not pairs:
        return "-"
    if whole:
        return form.replace("+", "").format(fmean(one[name] for one, _ in pairs))
    return form.format(fmean(without[name] - one[name] for one, without in pairs))


def _longest(pairs: Sequence[Pair], name: str, *, whole: bool = False) -> str:
    known = [pair for pair in pairs if all(name in one for one in pair)]
    if not known:
        return "-"
    most = [max(one[name] for one in side) for side in zip(*known, strict=True)]
    return f"{most[0]:g}" if whole else f"{most[1] - most[0]:+g}"


def _most(pairs: Sequence[Pair], name: str, *, compared: bool = False) -> str:
    known = [pair for pair in pairs if all(name in one for one in pair)]
    if not known:
        return "-"
    most = [max(one[name] for one in side) for side in zip(*known, strict=True)]
    return f"{most[1] - most[0]:+.1f}" if compared else f"{most[0]:.1f}"
