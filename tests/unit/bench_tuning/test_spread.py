"""How much requests differ is found in the latencies of one client."""

from __future__ import annotations

import numpy as np
import pytest

from hack.tuning.spread import GRID, spread_of
from tandem_operator.bench.measured import Measured, Sample
from tandem_operator.bench.plan import Block
from tandem_operator.simulation.steadiness import per_request

CURVE = (0.75, 0.6, 0.5, 0.42, 0.36, 0.3, 0.25)
STEP_S, PROMPT_S, NEW_TOKENS = 0.02, 0.1, 96


def block(tokens: int, spread: float, clients: int = 1) -> Measured:
    """A block of 500 requests that differ by `spread`."""
    draw = np.random.default_rng(tokens)
    exponents = draw.gamma(1.0 / spread, spread, size=500)
    accepted = per_request(np.array(CURVE), spread)[None, :tokens] ** exponents[:, None]
    latencies_s = PROMPT_S + NEW_TOKENS * STEP_S / (1.0 + accepted.sum(axis=1))
    return Measured(
        block=Block(0, clients, tokens, "code"),
        samples=(Sample(1.0, tokens, STEP_S, 900.0, 300.0, 0.0),),
        accepted=(),
        reached=(),
        tokens_per_s=100.0,
        latencies_s=tuple(latencies_s),
    )


@pytest.mark.parametrize("spread", [0.05, 0.25, 0.7])
def test_what_requests_differ_by_is_found_again(spread: float) -> None:
    found = spread_of([block(tokens, spread) for tokens in (3, 5, 7)], {"code": CURVE}, NEW_TOKENS)

    assert found is not None
    assert abs(GRID.index(found) - GRID.index(spread)) <= 1


def test_latencies_of_several_clients_hold_queues_and_tell_nothing() -> None:
    assert spread_of([block(3, 0.25, clients=4)], {"code": CURVE}, NEW_TOKENS) is None


def test_without_drafts_all_requests_take_as_long() -> None:
    assert spread_of([block(0, 0.25)], {"code": CURVE}, NEW_TOKENS) is None
