"""The tuner in front of one engine: reads its counters, decides, writes its table.

It does what the operator does, without a cluster in between; its clock runs only while it is in
charge, because between its blocks the engine follows somebody else.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from tandem_operator.bench.endpoint import Endpoint
from tandem_operator.bench.steering import Steering
from tandem_operator.engines.metrics.sample import EngineSample
from tandem_operator.metrics.windows import window_between
from tandem_operator.tuning import Decision, Settings, State, Window, initial_state, tune
from tandem_runtime.contract.table import Explore, SpeculationTable

SCRAPE_S = 2.0


class Tuner:
    """One engine's tuner; its state is kept in a file, so that a later run goes on with it.

    The journal gets a line a window: its load, what the engine did and what was decided.
    """

    def __init__(self, settings: Settings, state_file: Path, journal: Path) -> None:
        """Raises ValueError for a state file that holds something else."""
        self._settings = settings
        self._file = state_file
        self._clock_s = 0.0
        self._state = initial_state(settings)
        if state_file.exists():
            self._state = State.from_json(state_file.read_text())
            self._clock_s = self._state.now_s or 0.0
        self._journal = journal
        self._phase = ""

    @asynccontextmanager
    async def in_charge(
        self, endpoint: Endpoint, steering: Steering, phase: str
    ) -> AsyncIterator[None]:
        """Tune for as long as the block lasts. An error of the engine ends the block with it."""
        self._phase = phase
        decision = self._decide(None)
        before = await self._put(endpoint, steering, decision)
        loop = asyncio.create_task(self._tune(endpoint, steering, before, decision))
        try:
            yield
            if loop.done():
                loop.result()
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)
            fresh = self._file.with_suffix(".new")
            fresh.write_text(self._state.to_json())
            fresh.replace(self._file)

    async def _tune(
        self, endpoint: Endpoint, steering: Steering, before: EngineSample, written: Decision
    ) -> None:
        while True:
            await asyncio.sleep(max(0.0, before.at_s + SCRAPE_S - time.monotonic()))
            after = await endpoint.sample()
            decision = self._decide((before, after))
            before = after
            # As the operator does: what is tried may change while the table stays.
            if decision.changed or decision.explore != written.explore:
                await self._put(endpoint, steering, decision)
                written = decision

    def _decide(self, readings: tuple[EngineSample, EngineSample] | None) -> Decision:
        windows: tuple[Window, ...] = ()
        if readings is not None:
            window = window_between(*readings, replica="engine", speculation_loaded=True)
            self._clock_s += window.duration_s
            windows = (replace(window, now_s=self._clock_s),)
        self._state, decision = tune(self._state, windows, self._settings)
        for window in windows:
            self._record(window, decision)
        return decision

    def _record(self, window: Window, decision: Decision) -> None:
        line = {
            "clock_s": round(window.now_s, 2),
            "phase": self._phase,
            "seconds": round(window.duration_s, 3),
            "running": window.running,
            "drafts": window.drafts,
            "draft_tokens": window.draft_tokens,
            "accepted_tokens": sum(window.accepted_by_position),
            "request_steps": window.request_steps,
            "generated_tokens": window.generated_tokens,
            "reason": decision.reason,
            "changed": decision.changed,
            "inputs": dict(decision.inputs),
            "schedule": decision.schedule,
            "explore": decision.explore,
            "predicted_s": decision.predicted.time_per_output_token_s,
            "realised_s": decision.predicted.realised_time_per_output_token_s,
        }
        with self._journal.open("a") as file:
            file.write(json.dumps(line) + "\n")

    async def _put(
        self, endpoint: Endpoint, steering: Steering, decision: Decision
    ) -> EngineSample:
        await steering.put(table_of(decision))
        return await endpoint.sample()


def table_of(decision: Decision) -> SpeculationTable:
    """The decision as the plugin reads it; lock, epoch and generation are the writer's."""
    prefill = decision.prefill_schedule
    explore = decision.explore
    return SpeculationTable(
        lock="",
        generation=0,
        schedule=decision.schedule,
        prefill_schedule=prefill,
        explore=None
        if explore is None
        else Explore(explore["every"], explore["steps"], tuple(explore["offsets"])),
        reason=decision.reason,
    )
