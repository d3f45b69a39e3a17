"""Faults that the oracles must notice, each in the way of one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from probe import Probe


def hole_in_the_drafts_cache(probe: Probe) -> None:
    """At K=0 the draft computes nothing: what it did not see is missing from its KV cache."""
    propose = probe.drafter.propose

    def skipping(batch: Any, *arguments: Any, **options: Any) -> Any:
        if options.get("num_speculative_tokens") == 0:
            return probe.drafter.draft_tokens[: batch.num_reqs]
        return propose(batch, *arguments, **options)

    probe.drafter.propose = skipping


FAULTS: dict[str, Callable[[Probe], None]] = {
    "hole_in_the_drafts_cache": hole_in_the_drafts_cache,
}
