"""Conditions: one file a kind, each a pure function of the situation.

`all_of` gives the findings that `condition_list.merge` turns into the list.
"""

from tandem_operator.api.conditions import NewCondition
from tandem_operator.planning.status.conditions import (
    decay,
    metrics,
    pair,
    progress,
    ready,
    speculation,
)
from tandem_operator.planning.status.inputs import StatusInputs

__all__ = ["all_of"]


def all_of(inputs: StatusInputs) -> tuple[NewCondition, ...]:
    """Every condition as it is now."""
    return (
        ready.find(inputs),
        *progress.find(inputs),
        pair.find(inputs),
        metrics.find(inputs),
        speculation.find(inputs),
        *decay.find(inputs),
    )
