"""What replicas tell the loop, and a tuner that decided, where rollouts are measured."""

from __future__ import annotations

from typing import Any

from tandem_operator.control.state_cache import Kept
from tandem_operator.control.tuner import Tuner
from tandem_operator.engines.metrics.sample import EngineSample
from tandem_operator.metrics.replicas import Replica
from tandem_operator.tuning import Settings, State, initial_state
from tests.unit.planning import builders

SETTINGS = Settings(max_tokens=7)
LOCK = "lock"


def replica(pod: str, *, loaded: bool = True, canary: bool = False) -> Replica:
    tiers = (0, 1, 3, 7) if loaded else (0,)
    return Replica(pod, f"uid-{pod}", "10.0.0.1", 8000, LOCK, "shape", loaded, tiers, canary=canary)


def sample(at_s: float, running: float, **totals: float) -> EngineSample:
    known = dict.fromkeys(
        (
            *("request_steps", "request_step_seconds", "iterations", "generated_tokens"),
            *("first_tokens", "first_token_seconds", "prefill_tokens"),
            *("drafts", "draft_tokens", "bypassed_request_steps"),
        ),
        0.0,
    )
    accepted = totals.pop("accepted", 0.0)
    return EngineSample(
        at_s=at_s,
        running=running,
        waiting=0.0,
        context_tokens=None,
        totals={**known, **totals},
        accepted_by_position=(accepted,),
        drafted_by_position=(totals.get("drafts", 0.0),),
        cells=None,
    )


def tuner(state: State | None = None, **decision: Any) -> Tuner:
    kept = () if state is None else (Kept(LOCK, "other", state.to_json()),)
    made = Tuner(LOCK, "shape", initial_state(SETTINGS), 10.0, 0.0, kept)
    made.decision = builders.decision(**decision)
    return made
