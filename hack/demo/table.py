"""The live table: a line every two seconds, readable in a terminal and in a log."""

from __future__ import annotations

from collections.abc import Sequence

from hack.demo.load import Request
from hack.demo.report import PhaseResult
from hack.demo.sample import Sample

HEADER = (
    f"{'time':>6}  {'phase':<17} {'load':>4}  {'K':>2}  {'acceptance':>10}  {'tokens/s':>8}  "
    f"{'p50 s':>6}  {'p95 s':>6}  {'ms/token':>8}"
)
RECENT_S = 10.0


def line(sample: Sample, earlier: Sample, start_s: float, requests: Sequence[Request]) -> str:
    """One row: rates since `earlier`, latencies of requests that ended in the last 10 s."""
    tokens = sample.counters.generated_tokens - earlier.counters.generated_tokens
    seconds = sample.counters.request_step_seconds - earlier.counters.request_step_seconds
    acceptance = sample.counters.acceptance_percent(earlier.counters)
    span_s = max(1e-9, sample.time_s - earlier.time_s)
    recent = sorted(
        r.latency_s for r in requests if r.end_s > sample.time_s - RECENT_S and not r.error
    )
    return (
        f"{sample.time_s - start_s:5.0f}s  {sample.phase:<17} {sample.running:4.0f}  "
        f"{sample.tokens:2.0f}  {_cell(acceptance, '{:.0f} %'):>10}  {tokens / span_s:8.0f}  "
        f"{_cell(_at(recent, 0.5), '{:.2f}'):>6}  {_cell(_at(recent, 0.95), '{:.2f}'):>6}  "
        f"{_cell(1000 * seconds / tokens if tokens else None, '{:.1f}'):>8}"
    )


def summary(tuned: Sequence[PhaseResult], off: Sequence[PhaseResult]) -> str:
    """Each phase with and without speculation, and what it changes in request latency."""
    by_phase = {result.phase.removesuffix(" (off)"): result for result in off}
    rows = [
        f"{'phase':<17} {'K':>2}  {'acceptance':>10}  {'tokens/s':>15}  {'latency p50 s':>15}  "
        f"{'latency p95 s':>15}  {'ms/token':>13}",
        f"{'':<17} {'':>2}  {'':>10}  {'tuned':>7} {'off':>7}  {'tuned':>7} {'off':>7}  "
        f"{'tuned':>7} {'off':>7}  {'tuned':>6} {'off':>6}",
    ]
    for result in tuned:
        other = by_phase.get(result.phase) or by_phase.get(result.phase.removesuffix(" again"))
        if other is None:
            continue
        rows.append(
            f"{result.phase:<17} {result.tokens_median:2.0f}  "
            f"{_cell(result.acceptance_percent, '{:.0f} %'):>10}  "
            f"{result.tokens_per_s:7.0f} {other.tokens_per_s:7.0f}  "
            f"{result.latency_p50_s:7.2f} {other.latency_p50_s:7.2f}  "
            f"{result.latency_p95_s:7.2f} {other.latency_p95_s:7.2f}  "
            f"{result.time_per_token_ms:6.1f} {other.time_per_token_ms:6.1f}"
        )
    return "\n".join(rows)


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _at(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
