"""While no draft is loaded, what it would bring is what was learned when one was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tandem_operator.tuning import Settings, Thresholds, initial_state
from tandem_operator.tuning.policy.without_draft import tokens_worth
from tandem_operator.tuning.table import ROW_TOPS

LEARNED = replace(
    initial_state(Settings(max_tokens=7)), table=tuple(5 if top <= 8 else 0 for top in ROW_TOPS)
)


@pytest.mark.parametrize(
    ("batch", "other", "worth"),
    [
        (4, {}, 5),
        (16, {}, 0),
        (4, {"max_tokens": 2}, 2),
        (4, {"max_tokens": 0}, 0),
        (4, {"thresholds": Thresholds(max_concurrency=4)}, 5),
        (5, {"thresholds": Thresholds(max_concurrency=4)}, 0),
        (16, {"policy": "Thresholds"}, 2),
    ],
)
def test_a_draft_is_worth_the_k_that_it_would_run_at(
    batch: float, other: dict[str, Any], worth: int
) -> None:
    assert tokens_worth(LEARNED, batch, Settings(**({"max_tokens": 7} | other))) == worth


def test_acceptance_that_turned_speculation_off_is_not_known_to_have_changed() -> None:
    low = replace(LEARNED, guardrail=replace(LEARNED.guardrail, off=True))
    assert tokens_worth(low, 4, Settings(max_tokens=7)) == 0
