"""What the blocks say: the figures as a document, and the document as text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from hack.tuning import phases, ratio
from hack.tuning.ratio import Ratio
from tandem_operator.bench.measured import Measured

LEAST_IN_PHASE, LEAST_IN_PHASE_LOW = 0.97, 0.92
LEAST_OVER_ALL, LEAST_OVER_ALL_LOW = 1.05, 1.0
PASSED, FAILED, NOT_RESOLVED = "passed", "not passed", "not resolved"
COLUMNS = ("setting", "blocks", "mean K", "tokens/s", "p50 s", "p95 s")
FIXED = tuple(name for name in phases.SETTINGS if name != phases.GOODPUT)
"""Off is a fixed K too: K=0."""


def rates_of(measured: Sequence[Measured]) -> dict[str, dict[str, list[float]]]:
    """Tokens/s by phase and setting in the order of rounds; only phases with every setting."""
    rates: dict[str, dict[str, list[float]]] = {}
    for phase in phases.PHASES:
        by_setting = {
            name: [
                one.tokens_per_s
                for one in sorted(measured, key=lambda one: one.block.round)
                if one.block.segment == phase.name and one.block.tokens == tokens
            ]
            for name, tokens in phases.SETTINGS.items()
        }
        if min(map(len, by_setting.values())) > 0:
            rates[phase.name] = by_setting
    return rates


def document_of(measured: Sequence[Measured], planned: int) -> dict[str, Any]:
    """Every figure of the run, rounded for reading. Raises TooFewRoundsError."""
    rates = rates_of(measured)
    if not rates:
        raise ratio.TooFewRoundsError("no phase has a block of every setting yet")
    return {
        "blocks": len(measured),
        "planned": planned,
        "phases": {name: _phase(name, rates, measured) for name in rates},
        "over_all": _over_all(rates),
    }


def text_of(document: Mapping[str, Any]) -> str:
    """The document for a terminal."""
    lines = [f"{document['blocks']} of {document['planned']} blocks"]
    for name, phase in document["phases"].items():
        lines += ["", name]
        lines.append("  " + "{:<8} {:>6} {:>6} {:>8} {:>6} {:>6}".format(*COLUMNS))
        for setting, row in phase["settings"].items():
            lines.append(
                f"  {setting:<8} {row['blocks']:>6} {row['mean_tokens']:>6.2f} "
                f"{row['tokens_per_s']:>8.0f} {row['latency_p50_s']:>6.2f} "
                f"{row['latency_p95_s']:>6.2f}"
            )
        for label, key in (
            ("A/A control", "control"),
            ("goodput / off", "against_off"),
            ("goodput / best fixed K", "against_best"),
        ):
            lines.append(f"  {label:<23} {_shown(phase[key])}")
        lines.append(f"  at least {LEAST_IN_PHASE} (interval from {LEAST_IN_PHASE_LOW}): "
                     f"{phase['verdict']}")  # fmt: skip
    over_all = document["over_all"]
    lines += [
        "",
        "one fixed K for all phases",
        f"  {'A/A control':<23} {_shown(over_all['control'])}",
        f"  {'goodput / best fixed K':<23} {_shown(over_all['against_best'])}",
        f"  at least {LEAST_OVER_ALL} (interval above {LEAST_OVER_ALL_LOW:g}): "
        f"{over_all['verdict']}",
    ]
    return "\n".join(lines)


def verdict_of(document: Mapping[str, Any]) -> str:
    """Of the whole run: one figure that fell short is a failure, one not resolved no success."""
    verdicts = [phase["verdict"] for phase in document["phases"].values()]
    verdicts.append(document["over_all"]["verdict"])
    return next((one for one in (FAILED, NOT_RESOLVED) if one in verdicts), PASSED)


def mean_tokens(measured: Sequence[Measured]) -> float:
    """K as the engine's steps had it."""
    steps = sum(sample.steps for one in measured for sample in one.samples)
    drafted = sum(sample.steps * sample.tokens for one in measured for sample in one.samples)
    return drafted / steps if steps else 0.0


def _phase(
    name: str, rates: Mapping[str, Mapping[str, list[float]]], measured: Sequence[Measured]
) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for setting, tokens in phases.SETTINGS.items():
        mine = [o for o in measured if o.block.segment == name and o.block.tokens == tokens]
        latencies = [value for one in mine for value in one.latencies_s]
        rows[setting] = {
            "blocks": len(mine),
            "mean_tokens": round(mean_tokens(mine), 3),
            "tokens_per_s": round(float(np.median([one.tokens_per_s for one in mine])), 1),
            "requests": len(latencies),
            "latency_p50_s": round(float(np.quantile(latencies, 0.5)), 4),
            "latency_p95_s": round(float(np.quantile(latencies, 0.95)), 4),
        }
    own = {name: rates[name]}
    ratio_to_best = ratio.against_best(own, phases.GOODPUT, FIXED)
    control = ratio.control(own, FIXED)
    return {
        "settings": rows,
        "control": _rounded(control),
        "against_off": _rounded(ratio.against(own, phases.GOODPUT, phases.OFF)),
        "against_best": _rounded(ratio_to_best),
        "verdict": _verdict(
            ratio_to_best.value >= LEAST_IN_PHASE and ratio_to_best.low >= LEAST_IN_PHASE_LOW,
            control,
        ),
    }


def _over_all(rates: Mapping[str, Mapping[str, list[float]]]) -> dict[str, Any]:
    ratio_to_best = ratio.against_best(rates, phases.GOODPUT, FIXED)
    control = ratio.control(rates, FIXED)
    passed = ratio_to_best.value >= LEAST_OVER_ALL and ratio_to_best.low > LEAST_OVER_ALL_LOW
    return {
        "control": _rounded(control),
        "against_best": _rounded(ratio_to_best),
        "verdict": _verdict(passed, control),
    }


def _verdict(passed: bool, control: Ratio) -> str:
    if control.width > ratio.RESOLVED_WITHIN:
        return NOT_RESOLVED
    return PASSED if passed else FAILED


def _rounded(estimate: Ratio) -> dict[str, float]:
    return {name: round(value, 4) for name, value in asdict(estimate).items()}


def _shown(estimate: Mapping[str, float]) -> str:
    return f"{estimate['value']:.3f} (95 %: {estimate['low']:.3f} to {estimate['high']:.3f})"
