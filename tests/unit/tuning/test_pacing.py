"""How much a change must gain as the changes of the hour are used up."""

from __future__ import annotations

from itertools import pairwise

from tandem_operator.tuning.pacing import (
    LARGEST_BURST,
    LEAST_TOTAL_GAIN,
    MOST_TOTAL_GAIN,
    Pacing,
    needed_gain,
    spent,
)


def test_each_change_must_gain_more_up_to_what_every_change_may_ask_for() -> None:
    pacing, needed = Pacing(), []
    while (gain := needed_gain(pacing)) is not None:
        needed.append(gain)
        pacing = spent(pacing)

    assert len(needed) == LARGEST_BURST
    assert needed[0] == LEAST_TOTAL_GAIN
    assert needed[-1] == MOST_TOTAL_GAIN
    assert all(later >= earlier for earlier, later in pairwise(needed))
