"""Whether the demo showed what it promises. Pure: samples and requests in, complaints out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hack.demo.load import Request
from hack.demo.phases import MIXED, ONE, ONE_AGAIN, SIXTEEN
from hack.demo.sample import Sample

FOR_S = 10.0
INTERVAL_S = 10.0
OFF_WITHIN_S = FOR_S + 2 * INTERVAL_S
BACK_WITHIN_S = FOR_S + 3 * INTERVAL_S
"""`tuning.thresholds.forSeconds` of the example, and the chart's scrape interval."""

SETTLED_SHARE = 0.5
"""K is judged in the second half of a phase: the first half is for the tuner to follow."""


def complaints(
    samples: Sequence[Sample],
    requests: Sequence[Request],
    restarts: Mapping[str, int],
    replaced: Sequence[str],
) -> list[str]:
    """Everything that was not as promised; empty when the demo stands.

    ``restarts`` counts container restarts by pod; ``replaced`` names pods that were there at the
    start and are not any more.
    """
    problems = []
    before = _depth(samples, ONE)
    if not before:
        problems.append(f"speculation was not active in phase {ONE!r} (K {before})")
    problems += [
        f"K did not fall to 0 in phase {phase!r}"
        for phase in (SIXTEEN, MIXED)
        if _lowest(samples, phase) != 0
    ]
    after = _depth(samples, ONE_AGAIN)
    if not after:
        problems.append(f"K did not come back in phase {ONE_AGAIN!r} (K {after})")
    delays = reaction_s(samples)
    for what, within_s in (("off", OFF_WITHIN_S), ("back", BACK_WITHIN_S)):
        delay_s = delays[what]
        if delay_s is not None and delay_s > within_s:
            problems.append(f"speculation was {what} after {delay_s:.0f} s, not {within_s:.0f}")
    failed = [request for request in requests if request.error]
    if failed:
        problems.append(f"{len(failed)} of {len(requests)} requests failed: {failed[0].error}")
    problems += [f"pod {pod} restarted {count} times" for pod, count in restarts.items() if count]
    problems += [f"pod {pod} was replaced" for pod in replaced]
    return problems


def reaction_s(samples: Sequence[Sample]) -> dict[str, float | None]:
    """Seconds from a change of load to the K it calls for; None: not in its phase.

    ``off``: from low acceptance to K=0, in force for three samples. ``back``: from good acceptance
    to a K above the one that exploration tries.
    """
    return {
        "off": _reached(samples, MIXED, lambda tokens: tokens == 0),
        "back": _reached(samples, ONE_AGAIN, lambda tokens: tokens > 1),
    }


def _reached(
    samples: Sequence[Sample], phase: str, holds: Callable[[float], bool], times: int = 3
) -> float | None:
    own = [sample for sample in samples if sample.phase == phase and sample.running]
    for place in range(len(own) - times + 1):
        if all(holds(sample.tokens) for sample in own[place : place + times]):
            return own[place].time_s - own[0].time_s
    return None


def _depth(samples: Sequence[Sample], phase: str) -> float | None:
    """The most frequent K of the settled part of a phase, while requests ran."""
    settled = _settled(samples, phase)
    depths = [sample.tokens for sample in settled if sample.running]
    return max(set(depths), key=depths.count) if depths else None


def _lowest(samples: Sequence[Sample], phase: str) -> float | None:
    depths = [sample.tokens for sample in _settled(samples, phase) if sample.running]
    return min(depths, default=None)


def _settled(samples: Sequence[Sample], phase: str) -> Sequence[Sample]:
    own = [sample for sample in samples if sample.phase == phase]
    return own[int(len(own) * SETTLED_SHARE) :]
