"""Samples and requests as tests want them."""

from __future__ import annotations

from hack.demo.load import Request
from hack.demo.phases import MIXED, ONE, ONE_AGAIN, SIXTEEN
from hack.demo.sample import Counters, Sample


def counters(tokens: float = 0, steps: float = 0, seconds: float = 0) -> Counters:
    return Counters(tokens, steps, seconds, (), ())


def sample(phase: str, tokens: float, at_s: float, *, running: float = 1) -> Sample:
    return Sample(
        time_s=at_s,
        phase=phase,
        running=running,
        waiting=0,
        tokens=tokens,
        generation=1,
        counters=counters(at_s * 100, at_s * 10, at_s),
        tokens_per_s=100,
        acceptance_percent=70,
    )


def run_of(by_phase: dict[str, list[float]]) -> list[Sample]:
    """A sample a second, with the given K in each phase."""
    samples, at_s = [], 0.0
    for phase, depths in by_phase.items():
        for tokens in depths:
            samples.append(sample(phase, tokens, at_s))
            at_s += 1
    return samples


def good_run() -> list[Sample]:
    return run_of(
        {
            ONE: [3, 5, 5, 5],
            SIXTEEN: [5, 0, 0, 0],
            MIXED: [3, 3, 0, 1, 0],
            ONE_AGAIN: [0, 0, 3, 5, 5],
        }
    )


def request(
    phase: str = ONE, error: str = "", seconds: float = 1.0, start_s: float = 0.0
) -> Request:
    return Request(phase, start_s, start_s + seconds, 0 if error else 96, error)
