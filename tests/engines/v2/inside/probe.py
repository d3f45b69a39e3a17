"""Reads one engine from inside: what each step really verified, drafted and computed.

What it says of the steps comes from the model runner and the draft's forward passes. What the
plugin says of the same steps is written beside it, for the oracles to compare.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tandem_runtime.contract.table import Range, SpeculationTable
from tandem_runtime.plugin.table.plan import Limits, Plan, plan_of


class Tables:
    """Stands where the watcher does: a table a phase, or another one at every step."""

    def __init__(self, deepest: int) -> None:
        self._deepest = deepest
        self._plans: list[Plan] = []
        self._random = random.Random()
        self.depth = 0

    def phase(self, depths: Sequence[int], policy: str, seed: int) -> None:
        """From now on a random one of these depths at every step; one depth: one table."""
        limits = Limits(self._deepest, tuple(range(self._deepest + 1)))
        self._plans = [
            plan_of(
                SpeculationTable(
                    lock="",
                    generation=number,
                    schedule=(Range(1, 64, depth),),
                    constrained_output=policy,
                ),
                limits,
            )
            for number, depth in enumerate(depths)
        ]
        self._random.seed(seed)

    @property
    def plan(self) -> Plan:
        """The plugin asks once a step."""
        chosen = self._random.choice(self._plans)
        self.depth = chosen.schedule[0].tokens
        return chosen

    def stop(self) -> None:
        """As the watcher's; there is no thread."""


class Probe:
    """Writes down the steps of an engine whose core runs in this process."""

    def __init__(self, engine: Any, tables: Tables) -> None:
        core = engine.engine_core.engine_core
        self.scheduler = core.scheduler
        self.runner = core.model_executor.driver_worker.worker.model_runner
        self.drafter = getattr(self.runner, "speculator", None) or getattr(
            self.runner, "drafter", None
        )
        self.steps: list[dict[str, Any]] = []
        self._tables = tables
        self._counts: Counter[str] = Counter()
        self._by_output: dict[int, dict[str, Any]] = {}
        self._uncounted: list[dict[str, Any]] = []
        model = getattr(self.drafter, "model", None)
        if hasattr(model, "register_forward_hook"):
            model.register_forward_hook(lambda *_: self._counts.update(draft_forwards=1))
        after(self.scheduler, "schedule", self._scheduled)
        after(self.runner, "execute_model", self._executed)
        after(self.runner, "sample_tokens", self._sampled)
        after(self.scheduler, "update_from_output", self._returned)
        if self.scheduler.tandem is not None:
            control = self.scheduler.tandem
            control.watcher.stop()
            control.watcher = tables
            after(control.live.counters, "add", self._counted)

    def _scheduled(self, _: Any, output: Any) -> None:
        if not output.num_scheduled_tokens:
            return
        step = {
            "table": self._tables.depth,
            "drafting": output.num_spec_tokens_to_schedule,
            "requests": list(output.num_scheduled_tokens),
            "tokens": output.total_num_scheduled_tokens,
            "constrained": [
                name
                for name in output.num_scheduled_tokens
                if self.scheduler.requests[name].use_structured_output
            ],
            "preempted": sorted(output.preempted_req_ids or ()),
        }
        self.steps.append(step)
        self._by_output[id(output)] = step
        self._uncounted.append(step)

    def _executed(self, arguments: Any, _: Any) -> None:
        """The runner's own copy of the step has what is verified."""
        output = arguments[0]
        self._current = self._by_output.get(id(output))
        if self._current is not None:
            drafts = output.scheduled_spec_decode_tokens
            self._current["verified"] = {name: len(tokens) for name, tokens in drafts.items()}

    def _sampled(self, *_: Any) -> None:
        step, self._current = self._current, None
        if step is None:
            return
        step["draft_forwards"] = self._counts.pop("draft_forwards", 0)
        states = getattr(self.runner, "req_states", None)
        drafts = getattr(states, "draft_tokens", None)
        if drafts is not None:
            rows = [states.req_id_to_index[name] for name in step["requests"]]
            real = (drafts[rows] >= 0).sum(dim=1).tolist()
            step["drafted"] = dict(zip(step["requests"], real, strict=True))

    def _returned(self, arguments: Any, _: Any) -> None:
        output, result = arguments[:2]
        step = self._by_output.pop(id(output), None)
        if step is not None:
            lengths = map(len, result.sampled_token_ids)
            step["sampled"] = dict(zip(result.req_ids, lengths, strict=True))

    def _counted(self, arguments: Any, _: Any) -> None:
        """What the plugin made of the step: its cell, and what it shows as the present K."""
        counters = self.scheduler.tandem.live.counters
        sums = counters.snapshot()
        step = self._uncounted.pop(0)
        step["decoding"] = arguments[0].batch
        step["current"] = sums["current_tokens"]
        step["cells"] = [cell[:4] for cell in sums["cells"]]


def after(owner: Any, name: str, look: Callable[[Any, Any], None]) -> None:
    """Call `look` with the arguments and the result of each call of a method."""
    inner = getattr(owner, name)

    def outer(*arguments: Any, **options: Any) -> Any:
        result = inner(*arguments, **options)
        look(arguments, result)
        return result

    setattr(owner, name, outer)
