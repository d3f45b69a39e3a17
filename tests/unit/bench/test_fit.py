"""The fit finds what made the samples, and says how far it is off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_operator.bench.fit import FitError, fitted, pooled, repeat_percent, step_time, survival
from tandem_operator.bench.measured import Measured, Sample
from tandem_operator.bench.plan import Block
from tandem_operator.tuning.step_time.profile import step_time_s

DENSE = {
    "base_s": 0.012,
    "context_token_s": 2e-7,
    "token_s": 3e-5,
    "knee_tokens": 48.0,
    "knee_token_s": 1.2e-4,
    "draft_pass_s": 0.0011,
    "draft_request_s": 2e-5,
    "draft_start_s": 0.0008,
}
TINY_ON_CPU = {
    "base_s": 0.0132,
    "token_s": 0.001,
    "draft_pass_s": 0.00153,
    "sync_s": 0.0012,
}


def samples_of(
    form: Mapping[str, float],
    noise: float = 0.0,
    contexts: Sequence[float] = (150.0, 900.0),
) -> list[Sample]:
    draw = np.random.default_rng(0)
    return [
        Sample(
            batch=float(batch),
            tokens=tokens,
            seconds=step_time_s(form, batch, tokens, context * batch, 0.0)
            * (1.0 + noise * draw.normal()),
            steps=400.0,
            context_tokens=context * batch,
            prefill_tokens=0.0,
        )
        for batch in (1, 2, 4, 8, 16, 32)
        for tokens in (0, 1, 2, 3, 5, 7)
        for context in contexts
    ]


def measured(
    samples: Iterable[Sample],
    segment: str = "general",
    accepted: Iterable[float] = (),
    reached: Iterable[float] = (),
    number: int = 0,
) -> Measured:
    return Measured(
        Block(number, 1, 1, segment), tuple(samples), tuple(accepted), tuple(reached), 100.0
    )


@pytest.mark.parametrize("form", [DENSE, TINY_ON_CPU])
def test_the_coefficients_that_made_the_samples_are_found_within_five_percent(
    form: Mapping[str, float],
) -> None:
    fitted_form = step_time(samples_of(form))

    for name in ("base_s", "token_s", "draft_pass_s"):
        assert fitted_form[name] == pytest.approx(form[name], rel=0.05), name
    assert fitted_form.get("knee_tokens", 0) == pytest.approx(form.get("knee_tokens", 0), rel=0.05)


@pytest.mark.parametrize("form", [DENSE, TINY_ON_CPU])
def test_noisy_samples_give_step_times_within_five_percent_of_the_truth(
    form: Mapping[str, float],
) -> None:
    fitted_form = step_time(samples_of(form, noise=0.04))

    for batch in (1, 3, 8, 24):
        for tokens in (0, 1, 4, 7):
            truth = step_time_s(form, batch, tokens, 500.0 * batch, 0.0)
            guess = step_time_s(fitted_form, batch, tokens, 500.0 * batch, 0.0)
            assert guess == pytest.approx(truth, rel=0.05), (batch, tokens)


def test_the_error_of_each_cell_is_what_the_fit_lacks() -> None:
    odd = samples_of(TINY_ON_CPU, contexts=(300.0,))
    odd[-1] = Sample(**{**vars(odd[-1]), "seconds": odd[-1].seconds * 1.5, "steps": 5.0})

    fit = fitted([measured(odd)])

    worst = max(fit.cells, key=lambda cell: abs(cell.percent))
    assert (worst.sample.batch, worst.sample.tokens) == (32.0, 7)
    assert worst.percent == pytest.approx(-33.3, abs=4)
    assert fit.worst_percent == pytest.approx(abs(worst.percent))
    assert fit.mean_percent < 4


def test_cells_kept_aside_tell_of_an_engine_that_has_not_the_form() -> None:
    of_the_form = fitted([measured(samples_of(DENSE, contexts=(300.0,)))])
    zigzag = [
        Sample(**{**vars(one), "seconds": one.seconds * (1.0 + 0.3 * (place % 2))})
        for place, one in enumerate(samples_of(DENSE, contexts=(300.0,)))
    ]

    assert (of_the_form.unseen_mean_percent or 99) < 2
    assert (fitted([measured(zigzag)]).unseen_mean_percent or 0) > 8


def test_blocks_of_one_kind_are_pooled_by_their_steps() -> None:
    one = Sample(4.0, 3, 0.010, 100.0, 1000.0, 0.0)
    other = Sample(4.0, 3, 0.020, 300.0, 2000.0, 0.0)

    (pooled_block,) = pooled([measured([one]), measured([other], number=1)])

    assert pooled_block == Sample(4.0, 3, 0.0175, 400.0, 1750.0, 0.0)


def test_one_block_beside_a_busy_neighbour_does_not_stand_for_its_kind() -> None:
    rounds = [
        measured([Sample(4.0, 3, seconds, 100.0, 1000.0, 0.0)], number=number)
        for number, seconds in enumerate((0.010, 0.050, 0.011))
    ]

    (pooled_block,) = pooled(rounds)

    assert (pooled_block.seconds, pooled_block.steps) == (0.011, 300.0)
    assert repeat_percent(rounds) == pytest.approx(100 * (1 / 11 + 39 / 11) / 3)
    assert repeat_percent(rounds[:1]) is None


def test_survival_is_by_segment_over_drafts_of_every_length() -> None:
    curves = survival(
        [
            measured([], "chat", accepted=(80,), reached=(100,)),
            measured([], "chat", accepted=(70, 45, 20), reached=(100, 100, 100), number=1),
            measured([], "code", accepted=(90, 81), reached=(100, 100)),
            measured([], "idle"),
        ]
    )

    assert curves == {"chat": (0.75, 0.45, 0.2), "code": (0.9, 0.81)}


def test_too_few_kinds_of_step_are_refused() -> None:
    with pytest.raises(FitError, match="1 kinds of step were measured, 3 are needed"):
        fitted([measured([Sample(1.0, 0, 0.01, 50.0, 100.0, 0.0)])])


coefficient = st.floats(1e-6, 5e-3)


@given(
    base_s=st.floats(1e-3, 0.1),
    token_s=coefficient,
    draft_pass_s=coefficient,
    draft_start_s=coefficient,
    sync=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_any_engine_of_the_form_is_fitted_within_two_percent(
    base_s: float, token_s: float, draft_pass_s: float, draft_start_s: float, sync: bool
) -> None:
    form = {"base_s": base_s, "token_s": token_s, "draft_pass_s": draft_pass_s}
    form["sync_s" if sync else "draft_start_s"] = draft_start_s

    fit = fitted([measured(samples_of(form, contexts=(300.0,)))])

    assert fit.worst_percent < 2
    assert all(value > 0 for value in fit.step_time.values())
