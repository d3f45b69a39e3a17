"""A row of the table takes what was measured in every bucket of batches that it lies in."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tandem_operator.tuning.step_time.model import BUCKETS, StepModel, fitted, step_seconds
from tandem_operator.tuning.table import ROWS

DEPTHS = (0, 1, 2, 3)
UNMEASURED = fitted(StepModel(), None, None, DEPTHS, 0.0)
BETWEEN = [row for row in range(ROWS) if len(set(BUCKETS[row])) == 2]
WITHIN = [row for row in range(ROWS) if len(set(BUCKETS[row])) == 1]


def factor(model: StepModel, row: int, tokens: int) -> float:
    """How much longer the row's step takes by the residuals."""
    measured, smooth = (step_seconds(one, (row,), DEPTHS, 0.0, None) for one in (model, UNMEASURED))
    return float(measured[0, tokens] / smooth[0, tokens])


@pytest.mark.parametrize("row", BETWEEN)
def test_a_row_between_two_buckets_takes_both_by_their_steps(row: int) -> None:
    first, last = BUCKETS[row]
    residuals = ((first, 2, 0.2, 300.0), (last, 2, -0.1, 100.0))
    model = replace(UNMEASURED, residuals=residuals)
    assert math.log(factor(model, row, 2)) == pytest.approx(0.75 * 0.2 - 0.25 * 0.1)
    assert factor(model, row, 3) == pytest.approx(1.0)


@pytest.mark.parametrize("row", WITHIN)
def test_a_row_within_one_bucket_takes_its_own(row: int) -> None:
    own = BUCKETS[row][0]
    another = own - 1 if own else 1
    model = replace(UNMEASURED, residuals=((own, 1, 0.1, 50.0), (another, 1, 0.3, 50.0)))
    assert math.log(factor(model, row, 1)) == pytest.approx(0.1)


def test_where_all_drafts_are_made_anyway_a_lower_k_is_believed_to_save_verification_alone() -> (
    None
):
    cut = fitted(StepModel(), None, None, DEPTHS, 0.0, drafts_all=True)
    at_one = [float(step_seconds(one, (0,), DEPTHS, 0.0, None)[0, 3]) for one in (UNMEASURED, cut)]
    idle = [float(step_seconds(one, (0,), DEPTHS, 0.0, None)[0, 0]) for one in (UNMEASURED, cut)]

    assert idle[1] == pytest.approx(idle[0])
    assert idle[0] < 0.9 * at_one[0]
    assert at_one[1] < 1.01 * idle[1]


def test_there_are_rows_of_both_kinds() -> None:
    assert BETWEEN
    assert WITHIN
