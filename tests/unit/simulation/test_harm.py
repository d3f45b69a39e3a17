"""The worst ten minutes against an engine without the draft, the tax of the idle draft apart."""

from __future__ import annotations

import pytest

from tandem_operator.simulation.policies import Fixed
from tandem_operator.simulation.run import run
from tandem_operator.simulation.scoring.harm import worst_of
from tests.unit.simulation.builders import DENSE, moment, world


def test_the_worst_ten_minutes_are_found_among_better_ones() -> None:
    timeline = [
        moment(10.0 * number, used_s=12.0 if 100 < number <= 160 else 5.0, off_s=10.5, bare_s=10.0)
        for number in range(1, 361)
    ]
    worst = worst_of(timeline)
    assert worst is not None
    assert worst.against_bare == pytest.approx(0.2, abs=0.02)
    assert worst.tax == pytest.approx(0.05)
    assert worst.excess == pytest.approx(0.15, abs=0.02)


def test_a_short_run_is_judged_whole() -> None:
    worst = worst_of([moment(10.0, used_s=9.0), moment(20.0, used_s=7.0)])
    assert worst is not None
    assert worst.against_bare == pytest.approx(-0.2)
    assert worst_of([]) is None
    assert worst_of([moment(10.0, used_s=0.0, off_s=0.0, bare_s=0.0)]) is None


@pytest.mark.parametrize(("bare_s", "tells"), [(1.0, False), (1.5, True)])
def test_a_second_of_engine_time_tells_nothing(bare_s: float, tells: bool) -> None:
    assert (worst_of([moment(10.0, used_s=2.0, off_s=1.0, bare_s=bare_s)]) is not None) == tells


def test_off_costs_exactly_the_tax_and_a_removed_draft_nothing() -> None:
    off, removed = (run(world(4, 0.5), Fixed("off", 0, loaded)) for loaded in (True, False))
    for account, against_bare in ((off, off.tax), (removed, 0.0)):
        worst = worst_of(account.timeline)
        assert worst is not None
        assert worst.against_bare == pytest.approx(against_bare, abs=1e-4)
    step_s = DENSE.step_s(4, 4, 2000.0, 0, 0)
    assert off.tax == pytest.approx(DENSE.sync_s / (step_s - DENSE.sync_s), rel=0.05)
    assert removed.generated_tokens > off.generated_tokens


def test_useless_drafts_are_found_out() -> None:
    worst = worst_of(run(world(48, 0.1), Fixed("fixed", 7)).timeline)
    assert worst is not None
    assert worst.excess > 0.3
