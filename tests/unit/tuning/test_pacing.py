"""How much a change must gain as the changes of the hour are used up."""

from __future__ import annotations

from itertools import pairwise

from tandem_operator.tuning.pacing import (
    LARGEST_BURST,
    LAST_TOTAL_GAIN,
    LEAST_TOTAL_GAIN,
    MOST_TOTAL_GAIN,
    Pacing,
    needed_gain,
    spent,
)


def test_each_change_must_gain_more_and_the_last_is_for_a_collapse() -> None:
    pacing, needed = Pacing(), []
    while (gain := needed_gain(pacing)) is not None:
        needed.append(gain)
        pacing = spent(pacing)

    assert len(needed) == LARGEST_BURST
    assert needed[0] == LEAST_TOTAL_GAIN
    assert needed[-2:] == [MOST_TOTAL_GAIN, LAST_TOTAL_GAIN]
    assert all(later >= earlier for earlier, later in pairwise(needed))


def test_a_table_that_was_just_changed_for_the_texts_of_now_is_refined_only_for_much() -> None:
    assert needed_gain(Pacing(), soon=True) == MOST_TOTAL_GAIN
    assert needed_gain(Pacing(allowance=1.5), soon=True) == LAST_TOTAL_GAIN
    assert needed_gain(Pacing(allowance=0.5), soon=True) is None
