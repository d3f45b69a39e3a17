"""A simulated engine serves its trace, and its account fits what happened."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_operator.simulation.oracle import Knowledge
from tandem_operator.simulation.policies import Clairvoyant, Fixed, Policy, Tuned
from tandem_operator.simulation.run import run
from tandem_operator.simulation.world.load.loops import closed_loop, mixed_loop
from tandem_operator.tuning import Settings
from tests.unit.simulation.builders import DENSE, survival, world


def test_the_oracle_regrets_nothing() -> None:
    account = run(world(4, 0.8), Clairvoyant())
    assert account.generated_tokens > 0
    assert account.regret == pytest.approx(0.0, abs=1e-9)


def test_drafting_pays_when_drafts_are_accepted_and_costs_when_they_are_not() -> None:
    easy_off, easy_on = (run(world(2, 0.9), Fixed("fixed", k)) for k in (0, 5))
    assert easy_on.generated_tokens > 1.8 * easy_off.generated_tokens
    hard_off, hard_on = (run(world(48, 0.1), Fixed("fixed", k)) for k in (0, 7))
    assert hard_on.generated_tokens < 0.7 * hard_off.generated_tokens


def test_loss_against_the_oracle_is_the_time_that_the_oracle_saves() -> None:
    off, best = run(world(1, 0.8, 60.0), Fixed("off", 0)), run(world(1, 0.8, 60.0), Clairvoyant())
    rates = [account.generated_tokens / account.busy_s for account in (off, best)]
    assert rates[0] / rates[1] == pytest.approx(1 - off.regret, abs=0.06)
    assert off.off_s == pytest.approx(off.busy_s, rel=0.03)


def test_the_timeline_tells_acceptance_and_time_per_token() -> None:
    account = run(world(4, 0.7), Fixed("fixed", 3))
    rates = [moment.acceptance_rate for moment in account.timeline]
    # Requests differ around the segment's curve, which lowers the mean of a power below 0.7.
    assert np.mean([rate for rate in rates if rate is not None]) == pytest.approx(0.68, abs=0.06)
    assert all(moment.time_per_token_s for moment in account.timeline)
    assert sum(moment.busy_s for moment in account.timeline) == pytest.approx(
        account.busy_s, rel=0.2
    )


def test_the_tuner_drives_the_engine() -> None:
    policy = Tuned("thresholds", Settings(max_tokens=7, policy="Thresholds"))
    account = run(world(4, 0.8), policy)
    assert {round(moment.tokens) for moment in account.timeline} == {3}
    assert account.regret < 0.3


def test_not_knowing_which_texts_run_has_a_price_that_only_mixed_texts_charge() -> None:
    def informed() -> Policy:
        return Clairvoyant("informed", Knowledge.TEXTS)

    alike = run(world(1, 0.8, 60.0), informed())
    assert alike.regret == pytest.approx(0.0, abs=1e-9)
    curves = {"easy": survival(0.95)["other"], "hard": survival(0.05)["other"]}
    mixed = {"trace": closed_loop(1, tuple(curves)), "survival_at": lambda _: curves}
    price = run(world(1, 0.8, 60.0, **mixed), informed()).regret
    depths = [run(world(1, 0.8, 60.0, **mixed), Fixed(f"{k}", k)).regret for k in range(8)]
    assert 0.02 < price < min(depths) + 0.01


def test_the_step_that_ends_a_prompt_drafts_for_it() -> None:
    """At K = 3 with all drafts taken, four tokens follow the first one in a single step."""
    loop = mixed_loop(1, {"other": 1.0}, [10], [5])
    account = run(world(1, 1.0, 20.0, trace=loop), Fixed("fixed", 3))
    after_s = [one.end_s - one.first_token_s for one in account.finished]
    assert np.median(after_s) == pytest.approx(DENSE.step_s(1, 4, 15.0, 3, 0), rel=0.05)


def test_clients_of_easy_texts_are_served_more_often_than_those_of_hard_ones() -> None:
    curves = {"easy": survival(0.95)["other"], "hard": survival(0.05)["other"]}
    loop = mixed_loop(4, {"easy": 0.5, "hard": 0.5}, [10], [100])
    account = run(world(4, 0.8, 60.0, trace=loop, survival_at=lambda _: curves), Fixed("fixed", 3))
    easy, hard = (
        [one for one in account.finished if one.arrival.segment == name] for name in curves
    )
    assert len(easy) > 1.8 * len(hard)
    assert max(one.concurrency for one in account.finished) == 4


def test_a_mix_that_no_whole_clients_make_is_asked_in_turn() -> None:
    loop = mixed_loop(1, {"easy": 0.5, "hard": 0.5}, [10], [100])
    curves = {"easy": survival(0.95)["other"], "hard": survival(0.05)["other"]}
    account = run(world(1, 0.8, 30.0, trace=loop, survival_at=lambda _: curves), Fixed("fixed", 3))
    names = [one.arrival.segment for one in account.finished]
    assert abs(names.count("easy") - names.count("hard")) <= 1
