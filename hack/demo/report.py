"""What the demo leaves behind: `demo-report/report.json`, `demo-report/demo.png` and a summary."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib as mpl

from hack.demo.load import Request
from hack.demo.sample import Sample

mpl.use("Agg")
from matplotlib import pyplot as plt


@dataclass(frozen=True)
class PhaseResult:
    """One phase as its clients and the engine's counters saw it."""

    phase: str
    clients: int
    requests: int
    failed: int
    tokens_per_s: float
    latency_p50_s: float
    latency_p95_s: float
    time_per_token_ms: float
    acceptance_percent: float | None
    tokens_median: float


def summarize(
    phase: str, clients: int, requests: Sequence[Request], samples: Sequence[Sample]
) -> PhaseResult:
    """Reduce one phase: p50 and p95 of whole requests, rates over the phase's own wall clock.

    Raises ValueError when nothing finished in the phase.
    """
    own = [request for request in requests if request.phase == phase and not request.error]
    seen = [sample for sample in samples if sample.phase == phase]
    if not own or len(seen) < 2:
        raise ValueError(f"phase {phase!r}: {len(own)} requests finished, {len(seen)} samples")
    span_s = max(request.end_s for request in own) - min(request.start_s for request in own)
    latencies = sorted(request.latency_s for request in own)
    first, last = seen[0].counters, seen[-1].counters
    steps = last.request_steps - first.request_steps
    tokens = last.generated_tokens - first.generated_tokens
    step_seconds = last.request_step_seconds - first.request_step_seconds
    return PhaseResult(
        phase=phase,
        clients=clients,
        requests=len(own),
        failed=sum(1 for request in requests if request.phase == phase and request.error),
        tokens_per_s=sum(request.output_tokens for request in own) / span_s,
        latency_p50_s=statistics.median(latencies),
        latency_p95_s=latencies[min(len(latencies) - 1, int(0.95 * len(latencies)))],
        time_per_token_ms=1000 * step_seconds / tokens if tokens and steps else float("nan"),
        acceptance_percent=last.acceptance_percent(first),
        tokens_median=statistics.median(sample.tokens for sample in seen),
    )


def write_report(
    folder: Path,
    tuned: Sequence[PhaseResult],
    off: Sequence[PhaseResult],
    samples: Sequence[Sample],
    facts: dict[str, object],
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(
        json.dumps(
            {
                "facts": facts,
                "tuned": [asdict(result) for result in tuned],
                "off": [asdict(result) for result in off],
                "samples": [sample.as_dict() for sample in samples],
            },
            indent=1,
        )
    )
    plot(folder / "demo.png", tuned, off, samples)


def plot(
    path: Path, tuned: Sequence[PhaseResult], off: Sequence[PhaseResult], samples: Sequence[Sample]
) -> None:
    """Load, K and acceptance over time; below, latency by phase, tuned and off."""
    shown = {result.phase for result in tuned}
    samples = [sample for sample in samples if sample.phase in shown]
    start_s = samples[0].time_s
    times = [sample.time_s - start_s for sample in samples]
    figure, rows = plt.subplots(
        4, 1, figsize=(10, 10), height_ratios=[1, 1, 1, 1.3], layout="constrained"
    )
    for axis in rows[:2]:
        axis.sharex(rows[2])
        axis.tick_params(labelbottom=False)
    series = [
        ("running requests", [sample.running for sample in samples], "tab:gray"),
        ("K in force", [sample.tokens for sample in samples], "tab:blue"),
        (
            "acceptance %",
            [
                float("nan") if sample.acceptance_percent is None else sample.acceptance_percent
                for sample in samples
            ],
            "tab:green",
        ),
    ]
    for axis, (label, values, color) in zip(rows[:3], series, strict=True):
        axis.step(times, values, where="post", color=color)
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        for phase in dict.fromkeys(sample.phase for sample in samples):
            begin = next(sample.time_s for sample in samples if sample.phase == phase) - start_s
            axis.axvline(begin, color="black", alpha=0.3, linewidth=0.8)
            if axis is rows[0]:
                axis.annotate(
                    phase,
                    (begin, 1.02),
                    xycoords=("data", "axes fraction"),
                    fontsize=9,
                    va="bottom",
                )
    rows[2].set_xlabel("seconds")
    bars = rows[3]
    places = range(len(tuned))
    for shift, results, label, color in (
        (-0.2, tuned, "tuned", "tab:blue"),
        (0.2, off, "speculation off (K=0, draft loaded)", "tab:gray"),
    ):
        by_phase = {result.phase.removesuffix(" (off)"): result for result in results}
        for place, result in zip(places, tuned, strict=True):
            other = by_phase.get(result.phase) or by_phase.get(result.phase.removesuffix(" again"))
            if other is None:
                continue
            bars.bar(place + shift, other.latency_p50_s, 0.38, color=color)
            bars.plot([place + shift], [other.latency_p95_s], "_", color="black", markersize=18)
        bars.bar([0], [0], color=color, label=label)
    bars.set_xticks(list(places), [result.phase for result in tuned])
    bars.set_ylabel("request latency, s\n(bar p50, mark p95)")
    bars.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)
