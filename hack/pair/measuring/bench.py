"""One real server of the pair whose K can be changed live, and what its counters say of a load.

The measurements of the pair call it. K is set as the operator sets it: by the plugin's table.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hack.vllm.client import Counters, Request, ask_all, scrape
from hack.vllm.server import serve
from tandem_runtime.contract import environment
from tandem_runtime.contract.table import Range, SpeculationTable, render
from tandem_runtime.vllm.install import copy_to

DEEPEST = 7
MODEL = "tiny"
_ACKNOWLEDGED_WITHIN_S = 10.0


def read_prompts(folder: Path, kind: str) -> list[str]:
    """The committed prompts of one kind. Raises FileNotFoundError for an unknown kind."""
    return [json.loads(line)["prompt"] for line in (folder / f"{kind}.jsonl").open()]


@dataclass(frozen=True)
class Load:
    """What happened between two scrapes.

    Drafts by position; steps without prefill and their seconds by (lower edge of the batch's
    bucket, K).
    """

    reached: tuple[float, ...]
    accepted: tuple[float, ...]
    steps: Mapping[tuple[int, int], float] = field(default_factory=dict)
    seconds: Mapping[tuple[int, int], float] = field(default_factory=dict)
    tokens_per_s: float = 0.0


class Bench:
    """A server with the plugin. Its methods block; none may be called inside an event loop."""

    def __init__(self, url: str, table: Path) -> None:
        self._url = url
        self._table = table
        self._generation = 0

    def set_tokens(self, tokens: int) -> None:
        """Let every batch draft `tokens`; returns once the engine says that it does."""
        self._generation += 1
        table = SpeculationTable(
            lock="", epoch="bench", generation=self._generation, schedule=(Range(1, 64, tokens),)
        )
        fresh = self._table.with_suffix(".new")
        fresh.write_text(render(table))
        fresh.replace(self._table)
        self._wait("tandem:applied_generation", self._generation)

    def drive(
        self, prompts: list[str], concurrency: int, max_tokens: int, temperature: float = 0.0
    ) -> Load:
        """Answer all prompts with exactly `max_tokens` tokens each."""
        requests = [
            Request(prompt, max_tokens, temperature, body={"ignore_eos": True})
            for prompt in prompts
        ]
        before = self._settled()
        started_s = time.monotonic()
        asyncio.run(ask_all(self._url, MODEL, requests, concurrency))
        elapsed_s = time.monotonic() - started_s
        return _between(before, self._settled(), len(requests) * max_tokens / elapsed_s)

    def _settled(self) -> Counters:
        """The counters once every step is in them."""
        return self._wait("tandem:context_tokens", 0)

    def _wait(self, name: str, value: float) -> Counters:
        deadline_s = time.monotonic() + _ACKNOWLEDGED_WITHIN_S
        while time.monotonic() < deadline_s:
            page = asyncio.run(scrape(self._url))
            if page.labels(name) and page.total(name) == value:
                return page
            time.sleep(0.05)
        raise TimeoutError(f"{name} was not {value} within {_ACKNOWLEDGED_WITHIN_S:.0f} s")


@contextmanager
def running(target: Path, draft: Path) -> Iterator[Bench]:
    """Serve the pair on loopback with the plugin; ends it on leaving.

    Raises ServerFailedError with the tail of the engine's log.
    """
    with steerable(target, draft) as (url, table):
        yield Bench(url, table)


@contextmanager
def steerable(target: Path, draft: Path, tiers: tuple[int, ...] = ()) -> Iterator[tuple[str, Path]]:
    """The same as its address and its table file; `tiers` as the operator would start it with."""
    with TemporaryDirectory(prefix="tandem-bench-") as temporary:
        folder = Path(temporary)
        copy_to(folder / "plugin")
        table = folder / "table" / "speculation.json"
        table.parent.mkdir()
        environ = {
            environment.TABLE_FILE: str(table),
            environment.METRICS_DIR: str(folder / "metrics"),
        }
        if tiers:
            environ[environment.TIERS] = ",".join(map(str, tiers))
        with serve(
            target, draft, max_tokens=DEEPEST, plugin_dir=folder / "plugin", extra_env=environ,
            name=MODEL,
        ) as server:  # fmt: skip
            yield server.url, table


def _between(before: Counters, after: Counters, tokens_per_s: float) -> Load:
    def gained(name: str, **labels: str) -> float:
        return after.total(name, **labels) - before.total(name, **labels)

    cells = {
        (int(labels["batch"]), int(labels["tokens"]))
        for labels in after.labels("tandem:cell_steps_total")
        if labels["prefill"] == "0"
    }

    def by_cell(name: str) -> dict[tuple[int, int], float]:
        return {
            (batch, tokens): gained(name, batch=str(batch), tokens=str(tokens), prefill="0")
            for batch, tokens in cells
        }

    positions = [str(position) for position in range(DEEPEST)]
    return Load(
        reached=tuple(gained("tandem:drafted_by_position_total", position=p) for p in positions),
        accepted=tuple(gained("tandem:accepted_by_position_total", position=p) for p in positions),
        steps=by_cell("tandem:cell_steps_total"),
        seconds=by_cell("tandem:cell_seconds_total"),
        tokens_per_s=tokens_per_s,
    )
