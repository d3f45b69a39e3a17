"""Each oracle notices the fault that was planted in its way, and no other says so in its place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engines.v2 import oracles
from tests.engines.v2.engine import BUDGET

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]


@pytest.fixture
def noticed(reports: dict[str, Any], request: pytest.FixtureRequest) -> dict[str, bool]:
    """What each oracle says of the engine that has the fault."""
    whole = reports["v1"]["faultless"]["phases"]
    phases = reports["faults"][request.param]["phases"]
    return {
        "text": any(oracles.other_texts(phases[name], whole[name]) for name in phases),
        "table": any(oracles.off_the_table(phase, BUDGET) for phase in phases.values()),
        "told": any(oracles.contradictions(phase) for phase in phases.values()),
        "passes": any(oracles.other_passes(p, lambda k: max(k, 1)) for p in phases.values()),
        "totals": any(
            oracles.totals(phases[name]) != oracles.totals(whole[name]) for name in phases
        ),
    }


def of(fault: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("noticed", [fault], indirect=True)


@of("every_draft_is_accepted")
def test_text_that_the_target_would_not_say_is_noticed(noticed: dict[str, bool]) -> None:
    assert noticed["text"]


@of("hole_in_the_drafts_cache")
def test_a_hole_in_the_drafts_cache_is_noticed_by_the_counts_alone(
    noticed: dict[str, bool],
) -> None:
    assert noticed["totals"]
    assert not noticed["text"]
    assert not noticed["table"]


@of("vllms_own_table_stays_in_force")
def test_a_depth_that_vllm_does_not_hear_is_noticed_and_still_counted_as_it_ran(
    noticed: dict[str, bool],
) -> None:
    assert noticed["table"]
    assert not noticed["told"]
    assert not noticed["text"]


@of("the_wish_is_counted")
def test_a_wish_that_is_counted_for_the_deed_is_noticed(noticed: dict[str, bool]) -> None:
    assert noticed["told"]


@of("all_drafts_are_made")
def test_drafts_that_nobody_wants_are_noticed_by_the_passes_alone(noticed: dict[str, bool]) -> None:
    assert noticed == {
        "text": False, "table": False, "told": False, "passes": True, "totals": False,
    }  # fmt: skip
