"""docs/operations.md says what the code does."""

from __future__ import annotations

from pathlib import Path

from tandem_operator.reconcile.lease import DURATION_S, MARGIN_S
from tandem_operator.reconcile.requests.conflict_backoff import CONTESTED, DELETED

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()


def test_the_times_of_the_lease_are_those_of_the_code() -> None:
    assert f"unchanged for {DURATION_S} s" in PAGE
    assert f"no write {DURATION_S - MARGIN_S:.0f} s after its last renewal" in PAGE


def test_the_events_without_a_condition_are_told() -> None:
    for reason in (CONTESTED, DELETED):
        assert f"`{reason}` (Warning)" in PAGE
