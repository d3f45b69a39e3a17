"""Request traces made up from a seed: a day in an hour, and bursts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tandem_operator.simulation.world.load.trace import Arrival, Trace

SYNTHETIC = ("day", "bursts")


def synthetic_trace(name: str, requests_per_s: float, horizon_s: float, seed: int) -> Trace:
    """A trace of about this mean rate.

    day: the rate follows a sine of the whole horizon between 0.2 and 1.8 of the mean, chats (log-
    normal prompts of median 400 and answers of median 200 tokens) and code (1500 and 60).
    bursts: quiet at 0.3, and every 1 to 4 minutes half a minute at 4 times the mean.

    Raises:
        KeyError: no such trace.
    """
    rng = np.random.default_rng([seed, 11])
    rate: Callable[[float], float]
    if name == "day":

        def rate(now_s: float) -> float:
            return float(1.0 - 0.8 * np.cos(2 * np.pi * now_s / horizon_s))
    elif name == "bursts":
        starts = np.cumsum(rng.uniform(60.0, 240.0, int(horizon_s / 60.0) + 2))

        def rate(now_s: float) -> float:
            place = int(np.searchsorted(starts, now_s, "right")) - 1
            return 4.0 if place >= 0 and now_s - starts[place] < 30.0 else 0.3
    else:
        raise KeyError(name)
    arrivals = []
    now_s = 0.0
    while True:
        now_s += float(rng.exponential(1.0 / (4.0 * requests_per_s)))
        if now_s >= horizon_s:
            break
        if rng.random() * 4.0 >= rate(now_s):
            continue
        code = rng.random() < 0.3
        prompt = np.exp(rng.normal(np.log(1500 if code else 400), 0.8))
        answer = np.exp(rng.normal(np.log(60 if code else 200), 0.7))
        arrivals.append(
            Arrival(
                round(now_s, 3),
                int(np.clip(prompt, 8, 8192)),
                int(np.clip(answer, 4, 2048)),
                "code" if code else "chat",
            )
        )
    return Trace(f"{name}-{seed}", tuple(arrivals))
