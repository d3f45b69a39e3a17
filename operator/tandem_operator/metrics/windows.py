"""From two readings of one replica to the window that the tuner takes."""

from __future__ import annotations

from collections.abc import Mapping

from tandem_operator.engines.metrics.sample import CellKey, EngineSample
from tandem_operator.tuning import StepCell, Window
from tandem_runtime.contract.metrics import BATCH_EDGES, batch_top


def window_between(
    before: EngineSample, after: EngineSample, *, replica: str, speculation_loaded: bool
) -> Window:
    """The differences; `reset` where a counter went back (the engine restarted), and then zeros."""
    reset = _went_back(before, after)
    base = _zero(after) if reset else before
    totals = {
        name: 0.0 if reset else value - base.totals.get(name, 0.0)
        for name, value in after.totals.items()
    }
    drafted = after.drafted_by_position
    return Window(
        replica=replica,
        now_s=after.at_s,
        duration_s=after.at_s - before.at_s,
        running=after.running,
        waiting=after.waiting,
        context_tokens=after.context_tokens,
        accepted_by_position=_differences(base.accepted_by_position, after.accepted_by_position),
        drafted_by_position=None
        if drafted is None
        else _differences(base.drafted_by_position or (), drafted),
        cells=None if after.cells is None else _cells(base.cells or {}, after.cells),
        speculation_loaded=speculation_loaded,
        reset=reset,
        request_steps=totals["request_steps"],
        request_step_seconds=totals["request_step_seconds"],
        iterations=totals["iterations"],
        generated_tokens=totals["generated_tokens"],
        first_tokens=totals["first_tokens"],
        first_token_seconds=totals["first_token_seconds"],
        prefill_tokens=totals["prefill_tokens"],
        drafts=totals["drafts"],
        draft_tokens=totals["draft_tokens"],
        bypassed_request_steps=totals["bypassed_request_steps"],
        mixed_depth_steps=totals.get("mixed_depth_steps"),
    )


def segments_between(before: EngineSample, after: EngineSample) -> dict[str, tuple[float, float]]:
    """(accepted, drafts that ended in a rejection) by segment, since `before`."""
    if _went_back(before, after):
        return {}
    by_segment = {}
    for name, (accepted, rejected) in after.segments.items():
        earlier = before.segments.get(name, (0.0, 0.0))
        by_segment[name] = (accepted - earlier[0], rejected - earlier[1])
    return by_segment


def _went_back(before: EngineSample, after: EngineSample) -> bool:
    if any(after.totals.get(name, 0.0) < value for name, value in before.totals.items()):
        return True
    pairs = zip(before.accepted_by_position, after.accepted_by_position, strict=False)
    return any(later < earlier for earlier, later in pairs)


def _zero(after: EngineSample) -> EngineSample:
    return EngineSample(
        at_s=after.at_s,
        running=after.running,
        waiting=after.waiting,
        context_tokens=after.context_tokens,
        totals=after.totals,
        accepted_by_position=after.accepted_by_position,
        drafted_by_position=after.drafted_by_position,
        cells=after.cells,
    )


def _differences(before: tuple[float, ...], after: tuple[float, ...]) -> tuple[float, ...]:
    padded = before + (0.0,) * (len(after) - len(before))
    return tuple(later - earlier for earlier, later in zip(padded, after, strict=False))


def _cells(
    before: Mapping[CellKey, Mapping[str, float]], after: Mapping[CellKey, Mapping[str, float]]
) -> tuple[StepCell, ...]:
    cells = []
    for key, sums in sorted(after.items()):
        earlier = before.get(key, {})
        parts = {part: value - earlier.get(part, 0.0) for part, value in sums.items()}
        edge, tokens, with_prefill = key
        if parts.get("steps", 0.0) <= 0 or edge not in BATCH_EDGES:
            continue
        cells.append(
            StepCell(
                batch_from=edge,
                batch_to=batch_top(edge),
                tokens=tokens,
                with_prefill=with_prefill,
                steps=parts["steps"],
                seconds=parts.get("seconds", 0.0),
                batch_sum=parts.get("batch", 0.0),
                context_sum=parts.get("context", 0.0),
                prefill_sum=parts.get("prefill", 0.0),
                verified_sum=parts.get("verified"),
            )
        )
    return tuple(cells)
