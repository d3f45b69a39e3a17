"""The engines that are compared, each by what it is started with. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hack.tuning.phases import DEEPEST, TIERS
from tandem_operator.engines.tiers import start_schedule

INITIAL = 3
"""K before a table; the resource's default."""

OFF, TIERED, UNTIERED, NGRAM = "off", "tiered", "untiered", "ngram"
V1 = "-v1"
"""Ends the name of a setup on the first model runner."""
INVARIANT = "-invariant"
"""Ends the name of a setup whose arithmetic does not depend on the batch."""

_RUNNER = "VLLM_USE_V2_MODEL_RUNNER"
_BATCH_INVARIANT = "VLLM_BATCH_INVARIANT"


@dataclass(frozen=True)
class Setup:
    """One engine; `speculative` is its speculative configuration, None: it does not speculate."""

    name: str
    speculative: Mapping[str, Any] | None
    environ: Mapping[str, str] = field(default_factory=dict)


def setups_of(method: str, draft: str, max_requests: int, dry: bool) -> dict[str, Setup]:
    """Every setup by its name.

    A CPU has the first runner alone and is exact as it is, so a dry run has fewer.
    """
    drafts = {"method": method, "model": draft, "num_speculative_tokens": DEEPEST}
    schedule = [list(span) for span in start_schedule(TIERS, INITIAL, max_requests)]
    tiered = {**drafts, "num_speculative_tokens_per_batch_size": schedule}
    ngram = {
        "method": "ngram",
        "num_speculative_tokens": DEEPEST,
        "prompt_lookup_max": 4,
        "num_speculative_tokens_per_batch_size": schedule,
    }
    setups = [
        Setup(OFF, None),
        Setup(TIERED, tiered),
        Setup(UNTIERED, drafts),
        Setup(NGRAM, ngram),
    ]
    if not dry:
        first, invariant = {_RUNNER: "0"}, {_BATCH_INVARIANT: "1"}
        setups += [
            Setup(OFF + V1, None, first),
            Setup(TIERED + V1, tiered, first),
            Setup(NGRAM + V1, ngram, first),
            Setup(OFF + INVARIANT, None, invariant),
            Setup(TIERED + INVARIANT, tiered, invariant),
        ]
    return {setup.name: setup for setup in setups}


def unaided(name: str) -> str:
    """The setup without speculation that this one is compared with: of the same runner."""
    for end in (V1, INVARIANT):
        if name.endswith(end):
            return OFF + end
    return OFF
