"""How the engine's step times change in a run: the same object as long as nothing changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tandem_operator.simulation.run import TruthAt
from tandem_operator.simulation.world.drift import DriftError
from tandem_operator.simulation.world.truth import Truth

_DRAFT = ("draft_pass_s", "draft_start_s", "draft_token_s")
_TARGET = ("base_s", "token_s", "context_s", "knee_token_s", "sync_s", "prefill_s", "expert_s")

ENGINE_DRIFTS: Mapping[str, tuple[tuple[str, ...], float]] = {
    "none": ((), 1.0),
    "throttled": (_TARGET + _DRAFT, 1.6),
    "dear-draft": (_DRAFT, 3.0),
}
"""Which costs are how many times as high in the middle third of a run."""


def engine_drifting(truth: Truth, name: str, horizon_s: float) -> TruthAt:
    """Step times by time. ``throttled``: a lower clock; ``dear-draft``: the draft alone is slower.

    Raises:
        DriftError: the name is not known; the message lists those that are.
    """
    if name not in ENGINE_DRIFTS:
        raise DriftError(
            f"engine drift {name!r} is not known: give one of {', '.join(ENGINE_DRIFTS)}"
        )
    costs, factor = ENGINE_DRIFTS[name]
    changed = replace(truth, **{cost: factor * getattr(truth, cost) for cost in costs})

    def truth_at(now_s: float) -> Truth:
        return changed if costs and horizon_s / 3 <= now_s < 2 * horizon_s / 3 else truth

    return truth_at
