"""Faults that the oracles must notice, at least one in the way of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from probe import Probe


def every_draft_is_accepted(probe: Probe) -> None:
    """The target's own word no longer decides what is said."""
    drafts = probe.scheduler.num_spec_tokens
    probe.runner.rejection_sampler.synthetic_conditional_rates = torch.ones(drafts)


def hole_in_the_drafts_cache(probe: Probe) -> None:
    """At K=0 the draft computes nothing: what it did not see is missing from its KV cache."""
    propose = probe.drafter.propose

    def skipping(batch: Any, *arguments: Any, **options: Any) -> Any:
        if options.get("num_speculative_tokens") == 0:
            return probe.drafter.draft_tokens[: batch.num_reqs]
        return propose(batch, *arguments, **options)

    probe.drafter.propose = skipping


def vllms_own_table_stays_in_force(probe: Probe) -> None:
    """K is chosen and counted, and vLLM drafts by the table that it was started with."""
    live = probe.scheduler.tandem.live
    decided = live.decided

    def unheard(output: Any) -> None:
        decided(output)
        output.num_spec_tokens_to_schedule = 2

    live.decided = unheard


def the_wish_is_counted(probe: Probe) -> None:
    """A step is counted under the K of the table, whatever it verified."""
    vllms_own_table_stays_in_force(probe)
    live = probe.scheduler.tandem.live
    live._verified = lambda *_: (live.plan.schedule[0].tokens, False)


def all_drafts_are_made(probe: Probe) -> None:
    """The drafter as vLLM has it: every pass at any K."""
    cls = type(probe.drafter)
    probe.drafter.propose = cls.propose.__get__(probe.drafter)


def the_mask_begins_behind_the_drafts(probe: Probe) -> None:
    """Where reasoning ends among drafts, those behind its end are not masked."""
    manager = probe.scheduler.structured_output_manager
    bounds = manager._get_constraint_bounds

    def late(request: Any, tokens: Any, **options: Any) -> Any:
        limits = bounds(request, tokens, **options)
        among = 0 < limits.constraint_start <= len(tokens)
        if among and not options.get("spec_tokens_committed"):
            return type(limits)(len(tokens) + 1, len(tokens) + 1)
        return limits

    manager._get_constraint_bounds = late


FAULTS: dict[str, Callable[[Probe], None]] = {
    fault.__name__: fault
    for fault in (
        every_draft_is_accepted,
        hole_in_the_drafts_cache,
        vllms_own_table_stays_in_force,
        the_wish_is_counted,
        all_drafts_are_made,
        the_mask_begins_behind_the_drafts,
    )
}
