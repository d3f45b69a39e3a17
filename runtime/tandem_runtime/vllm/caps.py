"""Requests that may have fewer drafts than K says: bypassed ones and those of a capped segment.

One `RequestCaps` a scheduler. Most requests have no cap and cost nothing here.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tandem_runtime.plugin.depth.request_options import (
    PLAIN,
    RequestOptions,
    bypass_cause,
    cap_of,
    options_of,
)
from tandem_runtime.plugin.table.plan import Plan


class RequestCaps:
    """What the live requests asked for, and the caps that the plan in force makes of it."""

    def __init__(self, scheduler: Any, acts: bool) -> None:
        """`acts` is False where drafts cannot be cut: then requests are only told apart."""
        self.bypassed: Counter[str] = Counter()
        self._scheduler = scheduler
        self._acts = acts
        self._options: dict[str, RequestOptions] = {}
        self.capped: dict[str, tuple[Any, int]] = {}
        """Live requests with a cap; while there is none, nothing below need be called."""

    def arrived(self, request: Any, plan: Plan | None) -> None:
        """A request was added to the scheduler."""
        parameters = request.sampling_params
        options = options_of(
            None if parameters is None else parameters.extra_args,
            bool(request.use_structured_output),
        )
        if options is PLAIN:
            return
        self._options[request.request_id] = options
        if not self._acts:
            return
        cause = bypass_cause(options, plan)
        if cause is not None:
            self.bypassed[cause] += 1
        cap = cap_of(options, plan)
        if cap is not None:
            self.capped[request.request_id] = (request, cap)

    def adopt(self, plan: Plan) -> None:
        """Caps of all live requests under a new plan."""
        capped = {}
        for name, options in self._options.items():
            request = self._scheduler.requests.get(name)
            cap = cap_of(options, plan)
            if request is not None and cap is not None:
                capped[name] = (request, cap)
        self.capped = capped if self._acts else {}

    def cut(self) -> None:
        """Take from each capped request the drafts that are too many."""
        requests = self._scheduler.requests
        gone = []
        for name, (request, cap) in self.capped.items():
            if name not in requests:
                gone.append(name)
            elif len(request.spec_token_ids) > cap:
                request.spec_token_ids = request.spec_token_ids[:cap]
        for name in gone:
            del self.capped[name]

    def lowered(self, depth: int, batch: int) -> int:
        """Deepest draft that any running request may have; it spares drafts that are cut anyway."""
        if not depth or len(self.capped) < batch:
            return depth
        highest = 0
        for request in self._scheduler.running:
            cap = self.capped.get(request.request_id)
            if cap is None:
                return depth
            highest = max(highest, cap[1])
        return min(depth, highest)

    def bypassing(self, scheduled: dict[str, int]) -> int:
        """Requests of a step that run without speculation."""
        return sum(cap == 0 and name in scheduled for name, (_, cap) in self.capped.items())

    def segments(self, plan: Plan | None) -> dict[str, str]:
        """The segment under which each request is counted that has one. Safe in any thread."""
        return {
            name: plan.segment_name(options.segment) if plan is not None else options.segment
            for name, options in list(self._options.items())
            if options.segment
        }

    def forget_finished(self) -> None:
        """Drop what finished requests asked for. Safe in any thread."""
        requests = getattr(self._scheduler, "requests", self._options)
        if len(self._options) > len(requests):
            for name in [name for name in list(self._options) if name not in requests]:
                self._options.pop(name, None)
