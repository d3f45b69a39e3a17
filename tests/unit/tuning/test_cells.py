"""What windows add to what is known of steps, and what a fit makes of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.tuning import Settings, State, initial_state, tune
from tandem_operator.tuning.acceptance.counts import Drafts
from tandem_operator.tuning.acceptance.survival import MEMORY_S as PROMPTS_S
from tandem_operator.tuning.acceptance.survival import Survival, learn
from tandem_operator.tuning.exploration.schedule import EVERY_STEPS, IDLE_BURST_S, idle_every
from tandem_operator.tuning.policy.goodput import (
    LEAST_GAIN,
    Scores,
    proposed_prefill_table,
    proposed_table,
)
from tandem_operator.tuning.step_time.cells import Steps, gathered, observed
from tandem_operator.tuning.step_time.model import StepModel, gathered_into
from tandem_operator.tuning.step_time.regression import fit, seconds_of, unit_s
from tandem_operator.tuning.table import ROWS
from tests.unit.tuning.builders import Engine, drive, memory_bound, window

CONTEXT = 500.0


def steps(
    batch: float, depth: int, seconds: float, *, prefill: float = 0.0, count: float = 200.0
) -> Steps:
    """Steps of one kind from the plugin."""
    return Steps(
        bucket=int(batch),
        tokens=depth,
        with_prefill=prefill > 0,
        blend=0,
        steps=count,
        seconds=seconds,
        batch=batch,
        depth=float(depth),
        drafting=float(depth > 0),
        context=batch * CONTEXT,
        verified=batch * (depth + 1.0),
        prefill=prefill,
        prefill_share=float(prefill > 0),
        form_error=0.02,
    )


def test_a_stall_moves_the_mean_of_its_kind_by_little() -> None:
    known = StepModel(cells=(steps(4, 3, 0.02),))
    stalled = steps(4, 3, 2.0, count=20.0)
    (cell,) = gathered_into(known, (stalled,), 2.0, None).cells
    assert cell.seconds < 1.1 * 0.02


def test_steps_of_an_hour_ago_count_next_to_nothing() -> None:
    (cell,) = gathered((steps(4, 3, 0.02),), (steps(4, 3, 0.04),), 3600.0)
    assert cell.seconds > 0.0395


def test_where_drafts_are_few_those_of_a_minute_ago_still_count() -> None:
    few, many = (
        learn(Survival(), Drafts((0.5 * count,), (count,)), 4, 2.0, 2.0) for count in (40.0, 1e5)
    )
    left = []
    for known in (few, many):
        older = replace(known, older=known.newest[0], newest=())
        left.append(learn(older, Drafts((), ()), 4, PROMPTS_S, 62.0).older.drafts)
    assert left[1] / 1e5 == pytest.approx(math.exp(-1.0), rel=0.01)
    assert left[0] / 40.0 > math.exp(-0.5)


def test_the_fastest_step_is_told_without_what_prefill_adds() -> None:
    quick = unit_s((steps(4, 0, 0.03, prefill=1000.0),))
    assert quick is not None
    assert quick < 0.01


def test_a_stock_window_full_of_prefill_is_known_less_well() -> None:
    quiet, busy = (
        observed(window(2.0, tokens=3, acceptance=0.7, prefill_tokens=tokens, first_tokens=20), 800)
        for tokens in (0.0, 20_000.0)
    )
    assert busy[0].form_error > 2 * quiet[0].form_error


def test_stock_windows_with_other_shares_of_exploration_stay_apart() -> None:
    kinds = set()
    for tokens in (1200.0, 1330.0):
        seen = window(2.0, tokens=3, acceptance=0.7, draft_tokens=tokens)
        kinds.add(observed(seen, 800)[0][:4])
    assert len(kinds) == 2


def test_the_size_of_a_chunk_of_prefill_is_measured() -> None:
    known = StepModel(chunk_tokens=512.0)
    for _ in range(60):
        known = gathered_into(known, (steps(4, 3, 0.1, prefill=2000.0),), 2.0, None)
    assert known.chunk_tokens == pytest.approx(2000.0, rel=0.01)


def test_the_context_of_a_request_is_a_prompt_and_half_an_answer_where_it_is_not_shown() -> None:
    settings, state = Settings(max_tokens=3), initial_state(Settings(max_tokens=3))
    for turn in range(1, 200):
        seen = window(2.0 * turn, tokens=3, acceptance=0.5, first_tokens=4, prefill_tokens=12_000)
        state, _ = tune(state, (seen,), settings)
    answers = seen.generated_tokens / 2 / 4
    assert state.steps.context_per_request == pytest.approx(3000 + answers, rel=0.05)


def test_how_much_a_prefill_token_weighs_is_told_by_the_steps() -> None:
    def truth_s(batch: float, depth: int, prefill: float) -> float:
        return 0.02 + 1e-4 * max(0.0, batch * (depth + 1) + 0.3 * prefill - 192)

    cells = tuple(
        steps(batch, depth, truth_s(batch, depth, prefill), prefill=prefill)
        for batch in (8.0, 32.0, 100.0)
        for depth in (0, 3)
        for prefill in (0.0, 512.0, 2048.0)
    )
    assert fit(cells, 0.02, None).prefill_weight == 0.3


def test_a_mixture_of_experts_is_foretold_by_how_many_experts_are_touched() -> None:
    experts = (128, 8)

    def truth_s(verified: float) -> float:
        return 0.004 + 0.02 * (1.0 - (1.0 - 8 / 128) ** verified)

    cells = tuple(
        steps(batch, depth, truth_s(batch * (depth + 1))) for batch in (1, 64) for depth in (0, 3)
    )
    unseen = (steps(12, 0, truth_s(12)),)
    errors = [
        abs(float(seconds_of(fit(cells, 0.005, form), unseen)[0]) / unseen[0].seconds - 1.0)
        for form in (experts, None)
    ]
    assert errors[0] < 0.1
    assert errors[0] < errors[1]


def scores(seconds: tuple[float, float], prefill_seconds: tuple[float, float]) -> Scores:
    """Two depths: K=0, and K=1 whose draft is accepted half the time."""
    rows = np.ones((ROWS, 1))
    return Scores((0, 1), np.array([1.0, 1.5]), rows * seconds, rows * prefill_seconds)


@pytest.mark.parametrize(("gain", "taken"), [(LEAST_GAIN - 0.005, 0), (LEAST_GAIN + 0.005, 1)])
def test_an_entry_changes_only_for_more_than_the_least_gain(gain: float, taken: int) -> None:
    scored = scores((1.0, 1.5 * (1.0 - gain)), (1.0, 1.0))
    assert proposed_table(scored, ((0, 1),) * ROWS, (0,) * ROWS, LEAST_GAIN) == (taken,) * ROWS


def test_where_prompts_wait_for_the_step_k_must_save_more_than_it_takes_from_them() -> None:
    """K=1 makes half a token more, but the step with prefill takes as long as one and a half."""
    scored = scores((1.0, 1.1), (5.0, 6.0))
    both = ((0, 1),) * ROWS
    assert proposed_table(scored, both, (0,) * ROWS, LEAST_GAIN)[0] == 1
    assert proposed_prefill_table(scored, both, (0,) * ROWS, LEAST_GAIN)[0] == 0


@pytest.mark.parametrize(("step_s", "every"), [(0.02, EVERY_STEPS), (0.05, 100), (0.3, 100)])
def test_an_idle_engine_of_slow_steps_looks_out_more_often(step_s: float, every: int) -> None:
    seen = window(2.0, tokens=0, acceptance=0.0, step_s=step_s)
    assert idle_every(EVERY_STEPS, (seen,)) == every
    assert every * step_s <= IDLE_BURST_S or every == 100


def test_between_changes_of_the_prompts_the_fit_is_made_every_ten_seconds() -> None:
    engine, settings = Engine(memory_bound, 0.7), Settings(max_tokens=7)
    state: State | None = None
    fits = set()
    for _ in range(50):
        state, _ = drive(engine, settings, 1, state)
        fits.add(state.steps.fitted_s)
    assert 8 <= len(fits) <= 11


@given(
    seconds=st.lists(st.floats(0.001, 1.0), min_size=4, max_size=4),
    experts=st.sampled_from([None, (64, 4)]),
)
def test_no_part_of_a_step_is_believed_to_save_time(
    seconds: list[float], experts: tuple[int, int] | None
) -> None:
    kinds = ((1.0, 0), (1.0, 3), (16.0, 1), (100.0, 3))
    cells = tuple(steps(*kind, own) for kind, own in zip(kinds, seconds, strict=True))
    assert min(fit(cells, min(seconds), experts).theta) >= 0
