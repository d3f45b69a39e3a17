"""Whether the numbers of the last intervals can be stood on: the condition MetricsAvailable."""

from __future__ import annotations

from collections.abc import Mapping

from tandem_operator.api.conditions import MetricsReason
from tandem_operator.metrics.scrape import MalformedError, UnreachableError
from tandem_operator.planning import MetricsView

INTERVALS_UNTIL_STALE = 3

Lost = UnreachableError | MalformedError


def condition(
    *,
    read: int,
    lost: Mapping[str, Lost],
    traffic: bool,
    silent_s: float,
    interval_s: float,
) -> MetricsView:
    """The finding after one round.

    ``read`` replicas answered, ``lost`` did not; ``silent_s`` passed since any replica answered.
    One replica that answers is enough to decide on; the message names those that do not.
    """
    missing = "; ".join(str(error) for _, error in sorted(lost.items())[:3])
    if read:
        total = read + len(lost)
        message = f"{read} of {total} ready replicas read" + (f"; {missing}" if missing else "")
        if traffic:
            return MetricsView("True", MetricsReason.SCRAPED.value, message)
        return MetricsView("True", MetricsReason.NO_TRAFFIC.value, f"{message}; no request ran")
    if not lost:
        return MetricsView("Unknown", MetricsReason.UNREACHABLE.value, "no replica is ready yet")
    if silent_s < INTERVALS_UNTIL_STALE * interval_s:
        return MetricsView("False", MetricsReason.STALE.value, f"held for now: {missing}")
    if any(isinstance(error, MalformedError) for error in lost.values()):
        return MetricsView("False", MetricsReason.MALFORMED.value, missing)
    return MetricsView("False", MetricsReason.UNREACHABLE.value, missing)
