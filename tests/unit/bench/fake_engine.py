"""A fake engine on loopback: vLLM's pages and completions, with steps whose cost is known.

Nothing is computed: it steps in made-up seconds, so that counters tell of an engine whose
coefficients the test chose, whatever machine the test runs on.
"""

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tandem_operator.tuning.step_time.profile import step_time_s
from tandem_runtime.contract.metrics import BATCH_EDGES
from tandem_runtime.contract.table import SpeculationTable, parse

DEEPEST = 5
_STEP_EVERY_S = 0.001


@dataclass
class Asked:
    """A request under way."""

    prompt_tokens: int
    wanted: int
    answered: asyncio.Event
    written: float = 0.0
    drafted: bool = False


@dataclass
class FakeEngine:
    """``table_file`` None: no plugin, `tokens` forever. ``speculates`` False: no draft at all."""

    step_time: Mapping[str, float]
    survival: tuple[float, ...]
    table_file: Path | None = None
    tokens: int = DEEPEST
    speculates: bool = True
    refusal: str | None = None
    on_answer: Callable[[int], None] = lambda answers: None
    url: str = ""
    answers: int = 0
    depths_run: list[int] = field(default_factory=list)
    table: SpeculationTable | None = None
    _asked: list[Asked] = field(default_factory=list)
    _sums: Counter[str] = field(default_factory=Counter)

    async def models(self, _: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "fake"}]})

    async def complete(self, request: web.Request) -> web.Response:
        if self.refusal is not None:
            return web.json_response({"error": self.refusal}, status=400)
        body = await request.json()
        asked = Asked(len(body["prompt"].split()), body["max_tokens"], asyncio.Event())
        self._asked.append(asked)
        try:
            await asked.answered.wait()
        finally:
            self._asked.remove(asked)
        self.answers += 1
        self.on_answer(self.answers)
        return web.json_response({"usage": {"completion_tokens": asked.wanted}})

    async def metrics(self, _: web.Request) -> web.Response:
        self._take_table()
        running = sum(not asked.answered.is_set() for asked in self._asked)
        lines = [
            f"vllm:num_requests_running {running}",
            "vllm:num_requests_waiting 0",
            *(f"{name} {value!r}" for name, value in sorted(self._sums.items())),
        ]
        if self.speculates:
            lines += [
                f"{name} {self._sums[name]!r}"
                for name in (
                    "vllm:spec_decode_num_drafts_total",
                    "vllm:spec_decode_num_draft_tokens_total",
                )
                if name not in self._sums
            ]
        if self.table_file is not None:
            table = self.table
            epoch, generation = ("", -1) if table is None else (table.epoch, table.generation)
            lines += [
                f'tandem:info{{lock="fake",epoch="{epoch}",mode="lookup",reason="",version="1"}} 1',
                f"tandem:applied_generation {generation}",
                f'tandem:effective_tokens{{from="1",to="256"}} {self._depth(1)}',
            ]
        return web.Response(text="\n".join(lines) + "\n")

    async def step_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_STEP_EVERY_S)
            self._take_table()
            running = [asked for asked in self._asked if not asked.answered.is_set()]
            if running:
                self._step(running)

    def _step(self, running: list[Asked]) -> None:
        batch, depth = len(running), self._depth(len(running))
        prefill = sum(asked.prompt_tokens for asked in running if not asked.written)
        context = sum(asked.prompt_tokens + asked.written for asked in running)
        seconds = step_time_s(self.step_time, batch, depth, context, prefill)
        added: dict[str, float] = {
            "vllm:iteration_tokens_total_count": 1,
            "vllm:inter_token_latency_seconds_count": batch,
            "vllm:inter_token_latency_seconds_sum": batch * seconds,
            "vllm:prompt_tokens_total": prefill,
        }
        if depth:
            added["vllm:spec_decode_num_drafts_total"] = batch
            added["vllm:spec_decode_num_draft_tokens_total"] = batch * depth
        for place in range(depth):
            at = f'{{position="{place}"}}'
            accepted = batch * self.survival[place]
            added[f"vllm:spec_decode_num_accepted_tokens_per_pos_total{at}"] = accepted
            if self.table_file is not None:
                added[f"tandem:accepted_by_position_total{at}"] = accepted
                added[f"tandem:drafted_by_position_total{at}"] = batch
        gained = 1.0 + sum(self.survival[:depth])
        added["vllm:generation_tokens_total"] = batch * gained
        added["vllm:time_to_first_token_seconds_count"] = sum(not one.written for one in running)
        if self.table_file is not None and not prefill:
            edge = BATCH_EDGES[bisect_right(BATCH_EDGES, batch) - 1]
            at = f'{{batch="{edge}",tokens="{depth}",prefill="0"}}'
            parts = {"steps": 1.0, "seconds": seconds, "batch": batch, "context": context}
            parts["verified"] = batch * (depth + 1)
            for part, value in parts.items():
                added[f"tandem:cell_{part}_total{at}"] = value
        self._sums.update(added)  # type: ignore[arg-type]
        if not self.depths_run or self.depths_run[-1] != depth:
            self.depths_run.append(depth)
        for asked in running:
            asked.written += gained
            if asked.written >= asked.wanted:
                asked.answered.set()

    def _depth(self, batch: int) -> int:
        if not self.speculates:
            return 0
        asked = self.tokens if self.table is None else self.table.tokens_for(batch)
        return min(asked, DEEPEST)

    def _take_table(self) -> None:
        if self.table_file is not None and self.table_file.exists():
            fresh = parse(self.table_file.read_text(encoding="utf-8"))
            if fresh.supersedes(self.table):
                self.table = fresh


@contextmanager
def serving(engine: FakeEngine) -> Iterator[FakeEngine]:
    """The engine on a free port of loopback, in a thread that ends with the block."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    ended = asyncio.Event()

    async def serve() -> None:
        app = web.Application()
        app.router.add_get("/v1/models", engine.models)
        app.router.add_get("/metrics", engine.metrics)
        app.router.add_post("/v1/completions", engine.complete)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        engine.url = f"http://127.0.0.1:{port}"
        stepping = asyncio.create_task(engine.step_for_ever())
        ready.set()
        await ended.wait()
        stepping.cancel()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        if not ready.wait(10.0):
            raise TimeoutError("the fake engine did not start within 10 s")
        yield engine
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10.0)
        loop.close()
