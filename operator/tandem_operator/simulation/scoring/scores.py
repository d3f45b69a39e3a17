"""What the tuner came to on one case, and on many: the figures that it is held to.

Pure. Shares are in percent, `changes` are changes of the table an hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from tandem_operator.simulation.scoring.answers import BACK, COLLAPSED, Answer
from tandem_operator.simulation.scoring.harm import Harm


@dataclass(frozen=True)
class Score:
    """One case. `start_regret` is that of the first two minutes with a start profile.

    `floor` is the regret of one who knows step times and prompts, but not which requests run now:
    no table by batch can do better.
    """

    seed: int
    case: str
    regret: float
    floor: float
    first_regret: float
    start_regret: float
    changes: float
    harm: Harm | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Figure:
    """One promise: `usual` is the mean or the median over cases, `worst` the largest value.

    Limits are None where nothing was asked. `unknown` counts lower bounds among the values, and
    `count` the values.
    """

    name: str
    usual: float | None
    worst: float | None
    usual_limit: float | None
    worst_limit: float | None
    count: int
    unknown: int = 0

    @property
    def kept(self) -> bool:
        """Whether it stays within its limits; what did not happen broke none."""
        pairs = ((self.usual, self.usual_limit), (self.worst, self.worst_limit))
        return all(value is None or limit is None or value <= limit for value, limit in pairs)


def figures_of(scores: Sequence[Score], stock: bool) -> tuple[Figure, ...]:
    """The promises, in the order of their weight."""
    regret_limits = (2.5, 5.0) if stock else (2.0, 4.0)
    excesses = [100 * one.harm.excess for one in scores if one.harm is not None]
    return (
        _means("regret, %", [one.regret for one in scores], *regret_limits),
        _means("of it for any table, %", [one.floor for one in scores], None, None),
        _means("first 2 minutes, %", [one.first_regret for one in scores], 6.0, None),
        _means("with a start profile, %", [one.start_regret for one in scores], 3.0, None),
        _means("changes an hour", [one.changes for one in scores], 30.0, 50.0),
        *_answers("collapse", COLLAPSED, scores, 2.0, 4.0),
        *_answers("back on", BACK, scores, 3.0, 9.0),
        _means("10 minutes beyond tax, %", excesses, None, 2.0),
    )


def worst_harm(scores: Sequence[Score]) -> Harm | None:
    """The worst ten minutes of all cases."""
    harms = [one.harm for one in scores if one.harm is not None]
    return max(harms, key=lambda harm: harm.excess, default=None)


def document_of(scores: Sequence[Score], stock: bool) -> Mapping[str, Any]:
    """The figures and the cases behind them, for JSON."""
    harm = worst_harm(scores)
    return {
        "figures": [asdict(one) | {"kept": one.kept} for one in figures_of(scores, stock)],
        "worst_ten_minutes": None
        if harm is None
        else {
            "against_no_speculation_percent": 100 * harm.against_bare,
            "tax_of_idle_draft_percent": 100 * harm.tax,
        },
        "cases": [asdict(one) for one in scores],
    }


def _means(
    name: str, values: Sequence[float], usual_limit: float | None, worst_limit: float | None
) -> Figure:
    if not values:
        return Figure(name, None, None, usual_limit, worst_limit, 0)
    return Figure(name, fmean(values), max(values), usual_limit, worst_limit, len(values))


def _answers(
    name: str, kind: str, scores: Sequence[Score], usual_limit: float, worst_limit: float
) -> tuple[Figure, Figure]:
    """In windows, held to limits, and in seconds."""
    answers = [answer for one in scores for answer in one.answers if answer.kind == kind]
    unknown = sum(not answer.given for answer in answers)

    def figure(
        unit: str, values: Sequence[float], usual_limit: float | None, worst_limit: float | None
    ) -> Figure:
        return Figure(
            f"{name}, {unit}",
            median(values) if values else None,
            max(values, default=None),
            usual_limit,
            worst_limit,
            len(values),
            unknown,
        )

    return (
        figure("windows", [answer.windows for answer in answers], usual_limit, worst_limit),
        figure("s", [answer.seconds for answer in answers], None, None),
    )
