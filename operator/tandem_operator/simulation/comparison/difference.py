"""How far the simulator is from a real run: by phase and setting, and by phase. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

TOKENS_WITHIN, LATENCY_WITHIN = 0.10, 0.15


@dataclass(frozen=True)
class Figures:
    """Tokens a second of all clients, and request latency in seconds."""

    tokens_per_s: float
    latency_p50_s: float
    latency_p95_s: float


@dataclass(frozen=True)
class Difference:
    """One phase at one setting; shares are simulated / measured - 1."""

    phase: str
    setting: str
    blocks: int
    measured: Figures
    simulated: Figures

    @property
    def tokens(self) -> float:
        return self.simulated.tokens_per_s / self.measured.tokens_per_s - 1.0

    @property
    def p50(self) -> float:
        return self.simulated.latency_p50_s / self.measured.latency_p50_s - 1.0

    @property
    def p95(self) -> float:
        return self.simulated.latency_p95_s / self.measured.latency_p95_s - 1.0

    @property
    def within(self) -> bool:
        return abs(self.tokens) <= TOKENS_WITHIN and (
            max(abs(self.p50), abs(self.p95)) <= LATENCY_WITHIN
        )


@dataclass(frozen=True)
class PhaseDifference:
    """Mean sizes over the settings of one phase, and whether they are within what is asked."""

    phase: str
    tokens: float
    p50: float
    p95: float

    @property
    def within(self) -> bool:
        return self.tokens <= TOKENS_WITHIN and max(self.p50, self.p95) <= LATENCY_WITHIN


def by_phase(differences: Sequence[Difference]) -> tuple[PhaseDifference, ...]:
    """The phases in the order of the run."""
    groups: dict[str, list[Difference]] = {}
    for one in differences:
        groups.setdefault(one.phase, []).append(one)
    return tuple(
        PhaseDifference(
            phase,
            fmean(abs(one.tokens) for one in group),
            fmean(abs(one.p50) for one in group),
            fmean(abs(one.p95) for one in group),
        )
        for phase, group in groups.items()
    )


def document_of(differences: Sequence[Difference]) -> Mapping[str, object]:
    """For JSON; differences in percent."""
    return {
        "phases": [
            {
                "phase": one.phase,
                "mean_tokens_percent": _percent(one.tokens),
                "mean_p50_percent": _percent(one.p50),
                "mean_p95_percent": _percent(one.p95),
                "within": one.within,
            }
            for one in by_phase(differences)
        ],
        "settings": [
            {
                "phase": one.phase,
                "setting": one.setting,
                "blocks": one.blocks,
                "measured": asdict(one.measured),
                "simulated": asdict(one.simulated),
                "tokens_percent": _percent(one.tokens),
                "p50_percent": _percent(one.p50),
                "p95_percent": _percent(one.p95),
                "within": one.within,
            }
            for one in differences
        ],
    }


def _percent(share: float) -> float:
    return round(100.0 * share, 2)
