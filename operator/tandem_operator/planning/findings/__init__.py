"""Conditions: one file a kind, each a pure function of the situation.

`all_of` gives the findings that `conditions.merge` turns into the list.
"""

from tandem_operator.api.conditions import Finding
from tandem_operator.planning.findings import metrics, pair, progress, ready, speculation
from tandem_operator.planning.situation import Situation

__all__ = ["all_of"]


def all_of(situation: Situation) -> tuple[Finding, ...]:
    """Every condition as it is now."""
    return (
        ready.find(situation),
        *progress.find(situation),
        pair.find(situation),
        metrics.find(situation),
        speculation.find(situation),
    )
