"""One running engine of a setup, with the plugin and its table, and what parts ask of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hack.gpu.options import Options
from hack.gpu.setup import start_log
from hack.gpu.setup.machine import Machine
from hack.gpu.setup.setups import Setup
from hack.pair.measuring.bench import read_prompts
from hack.tuning.phases import PHASES, TIERS
from hack.vllm.client import scrape
from hack.vllm.server import Server, ServerOptions
from tandem_operator.bench.endpoint import Endpoint
from tandem_operator.bench.load import Texts
from tandem_operator.bench.measure import Bench, Times
from tandem_operator.bench.steering import Steering
from tandem_operator.engines.vllm import DRIVER
from tandem_runtime.contract import environment
from tandem_runtime.vllm.install import copy_to

KINDS = tuple(dict.fromkeys(kind for phase in PHASES for kind in phase.mix))
MODEL = "bench"
_LOGGED_EVERY_S = 1.0


@dataclass(frozen=True)
class Engine:
    """A ready engine. `end_s` (monotonic) ends every part that runs on it."""

    setup: Setup
    options: Options
    server: Server
    table: Path
    ready_s: float
    """Seconds from the process' start to its first healthy answer."""
    end_s: float

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Open]:
        """A connection; the table is put back on leaving, where K can be set at all."""
        lengths = self.options.lengths
        clients = (*lengths.concurrencies, lengths.crowd, *(phase.clients for phase in PHASES))
        async with Endpoint(self.server.url, DRIVER.metrics, max(clients)) as end:
            steering = None if self.setup.speculative is None else Steering(end, self.table)
            try:
                yield Open(self, end, steering)
            finally:
                if steering is not None:
                    steering.restore()

    def prompts(self, kind: str) -> list[str]:
        """The prompts of one kind. Raises FileNotFoundError."""
        return read_prompts(self.options.prompts, kind)

    def texts(self, kind: str, first_client: Mapping[str, Any] | None = None) -> Texts:
        """What clients ask; `first_client` is put over the body of one of them."""
        return Texts(MODEL, self.prompts(kind), self.options.lengths.new_tokens, first_client or {})

    def log(self) -> str:
        return self.server.log_file.read_text(errors="replace")

    async def steps_since(self, place: int) -> dict[tuple[int, str], int]:
        """Steps by tokens and kind of graph that were logged behind this place of the log.

        Returns once vLLM has written what ran until now: it writes every second.
        """
        await asyncio.sleep(1.5 * _LOGGED_EVERY_S)
        return dict(start_log.steps_of(self.log()[place:]))

    async def start_figures(self) -> dict[str, Any]:
        """What the start cost, by the log and the engine's own page."""
        page = await scrape(self.server.url)
        cache = next(iter(page.labels("vllm:cache_config_info")), {})
        blocks = cache.get("num_gpu_blocks", "")
        plugin = next(iter(page.labels("tandem:info")), {})
        return {
            "ready_s": round(self.ready_s, 1),
            **start_log.figures_of(self.log()),
            **({"cache_blocks": int(blocks)} if blocks.isdigit() else {}),
            "plugin_mode": plugin.get("mode", "no plugin"),
            "plugin_reason": plugin.get("reason", ""),
        }


@dataclass(frozen=True)
class Open:
    """An open connection to an engine."""

    engine: Engine
    endpoint: Endpoint
    steering: Steering | None

    def bench(self, texts: Mapping[str, Texts], times: Times) -> Bench:
        return Bench(self.endpoint, self.steering, texts, times)


@contextmanager
def running(machine: Machine, setup: Setup, options: Options, end_s: float) -> Iterator[Engine]:
    """The engine, ready; ended on leaving. Raises ServerFailedError with the tail of its log."""
    lengths = options.lengths
    with TemporaryDirectory(prefix="tandem-gpu-") as temporary:
        folder = Path(temporary)
        copy_to(folder / "plugin")
        table = folder / "table" / "speculation.json"
        table.parent.mkdir()
        server_options = ServerOptions(
            MODEL,
            options.target,
            setup.speculative,
            max_model_tokens=lengths.max_model_tokens,
            max_requests=lengths.max_requests,
            numerics=ServerOptions.numerics if machine.dry else (),
            arguments=("--cudagraph-metrics", *options.arguments),
            environ={
                "PYTHONPATH": str(folder / "plugin"),
                environment.TABLE_FILE: str(table),
                environment.METRICS_DIR: str(folder / "metrics"),
                environment.TIERS: ",".join(map(str, TIERS)),
                "VLLM_LOG_STATS_INTERVAL": str(_LOGGED_EVERY_S),
                "VLLM_NO_USAGE_STATS": "1",
                **setup.environ,
            },
        )
        started_s = time.monotonic()
        where = Path(machine.serve[0]).parent.parent if machine.dry else machine.serve
        with Server(where, server_options, folder) as server:
            server.wait_ready(min(lengths.start_limit_s, max(end_s - time.monotonic(), 1.0)))
            yield Engine(setup, options, server, table, time.monotonic() - started_s, end_s)
