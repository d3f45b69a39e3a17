"""Whether pods shall start with another K: a pure rule, for engines that keep the K of their start.

A new K must bring more over its dwell than its rollout costs. Both are seconds of one replica: the
gain in goodput times the time with traffic, against the start of a pod, in which its accelerators
serve nobody. So the number of replicas drops out, and `rollout.maxSurge` only says whether these
are further accelerators or those that served.

Step times at a K that was never in force are the fit's guess, and a trial would be a rollout too.
So a bad case is weighed as well: it must not lose more than the rollout is expected to gain. For
fewer drafts it is bounded by what was measured: if no step got faster, only the tokens of the
drafts left out would be lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tandem_operator.api.spec import Spec, TuningMode
from tandem_operator.engines.interface.rollout_times import RolloutTimes
from tandem_operator.planning.rollout.dwell import doubled, over
from tandem_operator.planning.rollout.evidence import DepthsView
from tandem_operator.planning.rollout.state import Form, RolloutState
from tandem_operator.workloads.pods import condition

LEAST_GAIN = 0.05
"""Two runs of one setting differ by so much (docs/tuning.md, "On a real engine")."""
LEAST_TOKENS = 1
"""Without drafts nobody learns what they would bring; a way back would need a canary."""


@dataclass(frozen=True)
class PodStart:
    """Seconds from a pod's creation until it is ready; ``measured`` or the administrator's."""

    seconds: float
    measured: bool


@dataclass(frozen=True)
class Choice:
    """A K, and what it would bring over its dwell of ``dwell_s``, in seconds of a replica.

    ``gain`` is the share of goodput that is expected, ``bad`` that of a bad case (below 0: a loss);
    ``net_s`` is ``gained_s`` less the rollout.
    """

    tokens: int
    gain: float
    bad: float
    gained_s: float
    net_s: float
    dwell_s: float


def next_state(
    state: RolloutState,
    own: int,
    spec: Spec,
    seen: DepthsView | None,
    now: datetime,
    times: RolloutTimes,
    start: PodStart,
    *,
    settled: bool,
) -> RolloutState:
    """The state that shall be stored; ``state`` itself when nothing changes.

    ``own`` is the K of the revision itself. ``seen`` is None while nothing can be measured,
    ``settled`` says that all pods are of the stored state and ready.
    """
    if spec.tuning.mode is not TuningMode.AUTO:
        # The user's word is no decision that waits.
        if state.depth is None:
            return state
        return replace(state, depth=None, depth_since=now, depth_message="")
    if not settled or state.form is not Form.LOADED:
        return state
    if not over(state.depth_since, state.depth_dwell_s, now):
        return state
    choice = proposed(state, own, seen, now, times, start)
    if choice is None or seen is None:
        return state
    return replace(
        state,
        depth=None if choice.tokens == own else choice.tokens,
        depth_since=now,
        depth_dwell_s=choice.dwell_s,
        depth_message=_message(seen, choice, start),
    )


def proposed(
    state: RolloutState,
    own: int,
    seen: DepthsView | None,
    now: datetime,
    times: RolloutTimes,
    start: PodStart,
) -> Choice | None:
    """The K that would be worth its rollout now; None where none is, or too little is known."""
    if seen is None or seen.tokens != (state.depth or own) or seen.seconds < times.depth_for:
        return None
    dwell_s = doubled(state.depth_since, state.depth_dwell_s, times.depth_dwell, now, times)
    return chosen(seen, dwell_s, start)


def chosen(seen: DepthsView, dwell_s: float, start: PodStart) -> Choice | None:
    """The K whose rollout brings most within the dwell; None where none is worth it."""
    offers = [
        _offer(seen, tokens, dwell_s, start)
        for tokens in range(LEAST_TOKENS, len(seen.ratios))
        if tokens != seen.tokens
    ]
    worth = [each for each in offers if each.gain >= max(LEAST_GAIN, -each.bad) and each.net_s > 0]
    return max(worth, key=lambda each: each.net_s, default=None)


def _offer(seen: DepthsView, tokens: int, dwell_s: float, start: PodStart) -> Choice:
    log = -math.log(max(seen.ratios[tokens], 1e-9))
    gain, bad = math.expm1(log), math.expm1(log - seen.deviations[tokens])
    if tokens < seen.tokens:
        made = seen.tokens_per_step
        bad = max(bad, made[tokens] / made[seen.tokens] - 1)
    gained_s = gain * seen.busy * dwell_s
    return Choice(tokens, gain, bad, gained_s, gained_s - start.seconds, dwell_s)


def pod_start(pods: Iterable[Mapping[str, Any]], times: RolloutTimes) -> PodStart:
    """The shortest start of the pods that are ready: readiness that came and went again made the
    others' times longer."""
    seconds = []
    for pod in pods:
        ready = condition(dict(pod), "Ready", "True")
        created = pod["metadata"].get("creationTimestamp")
        if ready is None or created is None or "lastTransitionTime" not in ready:
            continue
        took = datetime.fromisoformat(ready["lastTransitionTime"]) - datetime.fromisoformat(created)
        seconds.append(max(took.total_seconds(), 1.0))
    return PodStart(min(seconds), True) if seconds else PodStart(times.pod_start, False)


def _message(seen: DepthsView, choice: Choice, start: PodStart) -> str:
    after_s = seen.seconds_per_token * seen.ratios[choice.tokens]
    how = "measured" if start.measured else "not measured yet"
    return (
        f"K {seen.tokens} -> {choice.tokens} by rollout: {1000 * after_s:.1f} instead of "
        f"{1000 * seen.seconds_per_token:.1f} ms a token at {seen.batch:.1f} requests, "
        f"{100 * choice.gain:.0f} % more goodput ({100 * choice.bad:+.0f} % in a bad case), "
        f"{100 * seen.busy:.0f} % of the time busy: {choice.gained_s:.0f} s a replica within "
        f"{choice.dwell_s / 3600:.1f} h; the rollout costs {start.seconds:.0f} s a replica ({how})"
    )
