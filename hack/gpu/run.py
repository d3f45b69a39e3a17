"""Measures what is missing, engine by engine; every finished part is kept before the next one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hack.gpu import parts
from hack.gpu.measurements import constrained, exactness, graphs, step_times, tuned
from hack.gpu.measurements.step_times import Say
from hack.gpu.options import Options, common_inputs
from hack.gpu.parts import Part
from hack.gpu.results.results import Results
from hack.gpu.setup.engine import Engine, running
from hack.gpu.setup.machine import Machine
from hack.gpu.setup.setups import Setup, setups_of
from hack.tuning.phases import DEEPEST, TIERS
from hack.vllm.server import ServerFailedError
from tandem_operator.bench.endpoint import EndpointError

PARTS_FOLDER = "parts"
LEAST_S = 20.0
"""An engine is not started when less time than this is left beside the slowest start so far."""

ByPart = dict[Part, dict[str, Any]]


class Run:
    """One folder's parts, finished and missing."""

    def __init__(self, machine: Machine, options: Options) -> None:
        """Raises OSError, FileNotFoundError for a folder without a model among them."""
        self._machine = machine
        self._options = options
        self._results = Results(
            options.folder / PARTS_FOLDER, common_inputs(options, machine.facts)
        )
        self._setups = setups_of(
            options.method, str(options.draft), options.lengths.max_requests, machine.dry
        )
        self.planned = parts.parts_of(machine.dry)
        self.failures: dict[Part, str] = {}

    def results(self) -> ByPart:
        """The finished parts."""
        kept = {part: self._results.get(part.name, self._inputs(part)) for part in self.planned}
        return {part: result for part, result in kept.items() if result is not None}

    def measure(self, say: Say) -> None:
        """Measure what is missing until all is there or the time is up.

        A part that fails is told in `failures` and tried again by the next run.
        """
        end_s = time.monotonic() + self._options.lengths.limit_s
        slowest_s = 0.0
        for name, group in parts.by_engine(self.planned):
            results = self.results()
            missing = [part for part in group if part not in results]
            if not missing:
                continue
            left_s = end_s - time.monotonic()
            if left_s < slowest_s + LEAST_S:
                say(f"{name}: not started, {left_s:.0f} s are left")
                continue
            say(f"{name}: starting the engine, {left_s:.0f} s are left")
            try:
                with running(self._machine, self._setups[name], self._options, end_s) as engine:
                    slowest_s = max(slowest_s, engine.ready_s)
                    say(f"{name}: ready after {engine.ready_s:.0f} s")
                    for part in missing:
                        self._one(engine, part, say)
            except ServerFailedError as problem:
                self.failures.update(dict.fromkeys(missing, str(problem)))
                say(f"{name}: {str(problem).splitlines()[0]}")

    def _one(self, engine: Engine, part: Part, say: Say) -> None:
        started_s = time.monotonic()
        try:
            result = asyncio.run(self._measured(engine, part, say))
        except EndpointError as problem:
            self.failures[part] = f"{problem}\n{engine.server.log_tail(15)}"
            say(f"{part.name}: {problem}")
            return
        if result is None:
            say(f"{part.name}: cut short; the same command goes on")
            return
        self._results.put(part.name, self._inputs(part), result)
        say(f"{part.name}: done in {time.monotonic() - started_s:.0f} s")

    async def _measured(self, engine: Engine, part: Part, say: Say) -> dict[str, Any] | None:
        beside = self._results.path(part.name, self._inputs(part))
        match part.kind:
            case parts.START:
                return await engine.start_figures()
            case parts.STEPS:
                blocks = beside.with_suffix(".blocks.jsonl")
                return await step_times.measure(engine, blocks, say)
            case parts.GRAPHS:
                return await graphs.measure(engine, TIERS)
            case parts.CONSTRAINED:
                return await constrained.measure(engine)
            case parts.EXACT:
                return await exactness.measure(engine)
            case parts.TUNED:
                return await tuned.measure(engine, beside, say)
            case _:
                raise ValueError(f"{part.kind} is no kind of part")

    def _inputs(self, part: Part) -> Mapping[str, Any]:
        setup: Setup = self._setups[part.setup]
        lengths = asdict(self._options.lengths)
        # How long a run may take says nothing about what a part found.
        del lengths["limit_s"], lengths["start_limit_s"]
        return {
            "speculative": None if setup.speculative is None else dict(setup.speculative),
            "environ": dict(setup.environ),
            "deepest": DEEPEST,
            "tiers": list(TIERS),
            "lengths": lengths,
        }
