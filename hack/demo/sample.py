"""What the engine pods say of themselves, once a second: load, K in force, acceptance, tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tandem_operator.engines.metrics.page import Page
from tandem_operator.metrics.page import parse

SERIES = ("vllm:", "tandem:")


@dataclass(frozen=True)
class Counters:
    """Counters of one page of metrics, summed over the pods.

    `request_step_seconds` over `generated_tokens` is the time per output token: a step's time
    counts once for each request in it, so the quotient does not depend on the batch size.
    """

    generated_tokens: float
    request_steps: float
    request_step_seconds: float
    drafted_by_position: tuple[float, ...]
    accepted_by_position: tuple[float, ...]

    def acceptance_percent(self, since: Counters) -> float | None:
        """Accepted per drafted token that was reached, in percent; None without drafts.

        Drafts of different lengths are mixed: those of length exactly L are the difference of two
        neighbours in `drafted_by_position`; how many of them were accepted whole is estimated by
        the share that position L-1 accepted.
        """
        drafted = difference(self.drafted_by_position, since.drafted_by_position)
        accepted = difference(self.accepted_by_position, since.accepted_by_position)
        if not drafted or drafted[0] <= 0:
            return None
        whole = 0.0
        for place, (longer, taken) in enumerate(zip(drafted, accepted, strict=True)):
            following = drafted[place + 1] if place + 1 < len(drafted) else 0.0
            if longer > 0:
                whole += (longer - following) * taken / longer
        rejected = drafted[0] - whole
        total = sum(accepted)
        return 100 * total / (total + rejected) if total + rejected > 0 else None


def difference(now: tuple[float, ...], then: tuple[float, ...]) -> tuple[float, ...]:
    padded = then + (0.0,) * (len(now) - len(then))
    return tuple(a - b for a, b in zip(now, padded, strict=False))


@dataclass(frozen=True)
class Sample:
    """One reading of the pods. `tokens` is K of the last decoding step (mean over pods)."""

    time_s: float
    phase: str
    running: float
    waiting: float
    tokens: float
    generation: float
    counters: Counters
    tokens_per_s: float
    acceptance_percent: float | None

    def as_dict(self) -> dict[str, object]:
        return {
            "time_s": round(self.time_s, 3),
            "phase": self.phase,
            "running": self.running,
            "waiting": self.waiting,
            "tokens": self.tokens,
            "generation": self.generation,
            "tokens_per_s": round(self.tokens_per_s, 1),
            "acceptance_percent": self.acceptance_percent,
        }


def take_sample(
    pages: Iterable[str], phase: str, previous: Sample | None, now: Callable[[], float]
) -> Sample:
    """Read the pages of all pods into one sample; rates are against `previous`."""
    parsed = [parse(page, SERIES) for page in pages]
    counters = Counters(
        generated_tokens=total(parsed, "vllm:generation_tokens_total")
        - total(parsed, "vllm:time_to_first_token_seconds_count"),
        request_steps=total(parsed, "vllm:inter_token_latency_seconds_count"),
        request_step_seconds=total(parsed, "vllm:inter_token_latency_seconds_sum"),
        drafted_by_position=by_position(parsed, "tandem:drafted_by_position_total"),
        accepted_by_position=by_position(parsed, "tandem:accepted_by_position_total"),
    )
    time_s = now()
    rate, acceptance = 0.0, None
    if previous is not None:
        span_s = time_s - previous.time_s
        rate = (counters.generated_tokens - previous.counters.generated_tokens) / span_s
        acceptance = counters.acceptance_percent(previous.counters)
    pods = max(1, len(parsed))
    return Sample(
        time_s=time_s,
        phase=phase,
        running=total(parsed, "vllm:num_requests_running"),
        waiting=total(parsed, "vllm:num_requests_waiting"),
        tokens=total(parsed, "tandem:current_tokens") / pods,
        generation=total(parsed, "tandem:applied_generation") / pods,
        counters=counters,
        tokens_per_s=rate,
        acceptance_percent=acceptance,
    )


def total(pages: Iterable[Page], name: str) -> float:
    return sum(page.total((name,)) or 0.0 for page in pages)


def by_position(pages: Iterable[Page], name: str) -> tuple[float, ...]:
    sums: dict[int, float] = {}
    for page in pages:
        for labels, value in page.all(name):
            place = int(labels["position"])
            sums[place] = sums.get(place, 0.0) + value
    return tuple(sums.get(place, 0.0) for place in range(max(sums, default=-1) + 1))
