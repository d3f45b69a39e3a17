"""The counters of one simulated replica, and the window between two readings of them.

They count what a real engine and the plugin count; step cells are the plugin's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tandem_operator.tuning import StepCell, Window
from tandem_runtime.contract.metrics import batch_top
from tandem_runtime.plugin.metrics.cells import CELL_PARTS, CellKey, StepCells


@dataclass
class Counters:
    """Running totals.

    `rejections` counts drafts that ended in one; an engine does not export it.
    """

    max_tokens: int
    request_steps: int = 0
    request_step_seconds: float = 0.0
    iterations: int = 0
    generated_tokens: int = 0
    first_tokens: int = 0
    first_token_seconds: float = 0.0
    prefill_tokens: int = 0
    drafts: int = 0
    draft_tokens: int = 0
    rejections: int = 0
    accepted: list[int] = field(default_factory=list)
    drafted: list[int] = field(default_factory=list)
    cells: StepCells = field(default_factory=StepCells)

    def __post_init__(self) -> None:
        self.accepted = self.accepted or [0] * self.max_tokens
        self.drafted = self.drafted or [0] * self.max_tokens

    def count_drafts(
        self, drafted_tokens: int, drafts: int, accepted_by_position: list[int]
    ) -> None:
        """Count `drafts` drafts, all `drafted_tokens` long, and what each position accepted."""
        self.drafts += drafts
        self.draft_tokens += drafts * drafted_tokens
        self.rejections += drafts - accepted_by_position[drafted_tokens - 1]
        for place in range(drafted_tokens):
            self.drafted[place] += drafts
            self.accepted[place] += accepted_by_position[place]

    def copy(self) -> Counters:
        cells = StepCells()
        cells.sums = {key: list(sums) for key, sums in self.cells.sums.items()}
        return Counters(
            self.max_tokens,
            self.request_steps,
            self.request_step_seconds,
            self.iterations,
            self.generated_tokens,
            self.first_tokens,
            self.first_token_seconds,
            self.prefill_tokens,
            self.drafts,
            self.draft_tokens,
            self.rejections,
            list(self.accepted),
            list(self.drafted),
            cells,
        )


def window_between(
    before: Counters,
    after: Counters,
    *,
    now_s: float,
    duration_s: float,
    running: int,
    waiting: int,
    context_tokens: int,
    plugin: bool,
    loaded: bool = True,
    replica: str = "replica-0",
) -> Window:
    """The window of one scrape interval; without `plugin`, the engine's own counters alone."""
    return Window(
        replica=replica,
        now_s=now_s,
        duration_s=duration_s,
        running=running,
        waiting=waiting,
        context_tokens=context_tokens if plugin else None,
        request_steps=after.request_steps - before.request_steps,
        request_step_seconds=after.request_step_seconds - before.request_step_seconds,
        iterations=after.iterations - before.iterations,
        generated_tokens=after.generated_tokens - before.generated_tokens,
        first_tokens=after.first_tokens - before.first_tokens,
        prefill_tokens=after.prefill_tokens - before.prefill_tokens,
        drafts=after.drafts - before.drafts,
        draft_tokens=after.draft_tokens - before.draft_tokens,
        accepted_by_position=tuple(
            a - b for a, b in zip(after.accepted, before.accepted, strict=True)
        ),
        drafted_by_position=tuple(a - b for a, b in zip(after.drafted, before.drafted, strict=True))
        if plugin
        else None,
        cells=cells_between(before.cells.sums, after.cells.sums) if plugin else None,
        speculation_loaded=loaded,
        reset=False,
        first_token_seconds=after.first_token_seconds - before.first_token_seconds,
    )


def cells_between(
    before: Mapping[CellKey, list[float]], after: Mapping[CellKey, list[float]]
) -> tuple[StepCell, ...]:
    cells = []
    for key, sums in sorted(after.items()):
        earlier = before.get(key, [0.0] * len(CELL_PARTS))
        steps, seconds, _, batch, context, prefill, verified = (
            now - then for now, then in zip(sums, earlier, strict=True)
        )
        if steps <= 0:
            continue
        edge, tokens, with_prefill = key
        cells.append(
            StepCell(
                batch_from=edge,
                batch_to=batch_top(edge),
                tokens=tokens,
                with_prefill=bool(with_prefill),
                steps=int(steps),
                seconds=seconds,
                batch_sum=int(batch),
                context_sum=int(context),
                prefill_sum=int(prefill),
                verified_sum=int(verified),
            )
        )
    return tuple(cells)
