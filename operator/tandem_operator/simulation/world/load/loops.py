"""Closed loops: so many clients, each sends its next request when its last one is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tandem_operator.simulation.world.load.trace import Arrival, Trace


def closed_loop(
    concurrency: int,
    segments: Sequence[str] = ("other",),
    seed: int = 0,
    requests: int = 20_000,
) -> Trace:
    """Requests for `concurrency` clients: log-normal prompts (median 250) and answers (median 180).

    The lengths are those of a chat; they matter little to K, which follows the batch.
    """
    rng = np.random.default_rng(seed)
    inputs = np.clip(rng.lognormal(5.5, 0.8, requests), 8, 4096).astype(int)
    outputs = np.clip(rng.lognormal(5.2, 0.7, requests), 8, 2048).astype(int)
    names = rng.choice(np.array(segments), requests)
    return Trace(
        f"closed-loop-{concurrency}",
        tuple(
            Arrival(0.0, int(i), int(o), str(s))
            for i, o, s in zip(inputs, outputs, names, strict=True)
        ),
        concurrency=concurrency,
    )


def mixed_loop(
    concurrency: int,
    mix: Mapping[str, float],
    input_tokens: Sequence[int],
    output_tokens: Sequence[int],
    seed: int = 0,
    requests: int = 2_000,
) -> Trace:
    """Requests for `concurrency` clients whose lengths are drawn from those given.

    `mix` is the share of clients that ask for prompts of each segment. Where that is no whole
    number of clients they ask in turn, so that every stretch of requests has the mix.
    """
    rng = np.random.default_rng([seed, 13])
    inputs, outputs = (
        rng.choice(np.array(each), requests) for each in (input_tokens, output_tokens)
    )
    whole = sum(mix.values())
    owed = {name: share / whole * float(rng.random()) for name, share in mix.items()}
    names = []
    for _ in range(requests):
        for name, share in mix.items():
            owed[name] += share / whole
        name = max(owed, key=owed.__getitem__)
        owed[name] -= 1.0
        names.append(name)
    arrivals = tuple(
        Arrival(0.0, int(i), int(o), name)
        for i, o, name in zip(inputs, outputs, names, strict=True)
    )
    clients = {name: concurrency * share / whole for name, share in mix.items()}
    keep = all(count == round(count) for count in clients.values())
    return Trace(
        f"closed-loop-{concurrency}",
        arrivals,
        concurrency=concurrency,
        clients={name: round(count) for name, count in clients.items()} if keep else None,
    )
