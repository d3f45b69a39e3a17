"""What of a step is prefill, and whether the next step will carry much of it.

One `PrefillForecast` a scheduler; it reads vLLM's requests and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

from tandem_runtime.plugin.depth.lookup import PREFILL_TOKENS

_COUNTED_WAITING = 32


class PrefillForecast:
    """Requests whose prompts are unfinished, and how good the guesses about them were."""

    def __init__(self, scheduler: Any) -> None:
        self.results: Counter[str] = Counter()
        """Guesses that proved true (`hit`) and false (`miss`)."""
        self.guessed: bool | None = None
        """Whether the step that comes was guessed to carry prefill; None: nobody asked."""
        self._scheduler = scheduler
        self.unfinished: list[Any] = []
        """Running requests that the last step left with a part of their prompt to read."""
        self._remaining = 0

    def measure(self, output: Any, scheduled: dict[str, int]) -> tuple[int, int]:
        """Prefill tokens of the step just scheduled and the requests that prefill in it.

        Only requests that are new, came back, or were unfinished one step ago can prefill, so
        the others are not counted. Keeps those that this step leaves unfinished.
        """
        requests = self._scheduler.requests
        names = [chunk.request_id for chunk in self.unfinished]
        if output.scheduled_new_reqs:
            names += [new.req_id for new in output.scheduled_new_reqs]
        names += getattr(output.scheduled_cached_reqs, "resumed_req_ids", ())
        self.unfinished = []
        tokens = prefilling = self._remaining = 0
        for name in dict.fromkeys(names) if names else ():
            request = requests.get(name)
            if request is None:
                continue
            here = scheduled.get(name, 0)
            left = request.num_tokens - request.num_computed_tokens - here
            tokens += here
            prefilling += here > 0
            if left > 0:
                self.unfinished.append(request)
                self._remaining += left
        return tokens, prefilling

    def guess(self) -> bool:
        """`expected`, remembered until `judge` learns what came."""
        self.guessed = self.expected()
        return self.guessed

    def compare(self, prefill_tokens: int) -> None:
        """Count the last guess, which was made for the step that has just been scheduled."""
        hit = self.guessed == (prefill_tokens >= PREFILL_TOKENS)
        self.results["hit" if hit else "miss"] += 1
        self.guessed = None

    def expected(self) -> bool:
        """Whether the next step is likely to carry `PREFILL_TOKENS` of prefill or more."""
        scheduler = self._scheduler
        remaining = self._remaining
        if remaining < PREFILL_TOKENS and scheduler.waiting:
            most = getattr(scheduler, "max_num_running_reqs", _COUNTED_WAITING)
            room = min(most - len(scheduler.running), _COUNTED_WAITING)
            for request in islice(scheduler.waiting, max(room, 0)):
                remaining += request.num_tokens - request.num_computed_tokens
        return bool(remaining >= PREFILL_TOKENS)
