"""A field that somebody else keeps changing back is left alone after three repairs, with growing
rests; nothing else waits for it."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_operator.planning import Apply, Reference
from tandem_operator.planning.diff import to_apply
from tandem_operator.reconcile.requests.conflict_backoff import (
    FIRST_REST_OF_DELETED_S,
    ConflictBackoff,
    is_repair,
)
from tests.unit.reconcile.world import KEY, HandClock

SERVICE = Reference("v1", "Service", "chat")
OTHER = Reference("apps/v1", "Deployment", "chat")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def conflicts(clock: HandClock) -> ConflictBackoff:
    return ConflictBackoff(clock)


def repairs(conflicts: ConflictBackoff, clock: HandClock, every_s: float) -> int:
    """How many are allowed until a rest begins."""
    count = 0
    while (rest := conflicts.repair(KEY, SERVICE)) is None:
        count += 1
        clock.move(every_s)
        assert count < 100, "no rest ever begins"
    assert rest.begins
    return count


def test_three_repairs_in_five_minutes_are_enough(
    conflicts: ConflictBackoff, clock: HandClock
) -> None:
    assert repairs(conflicts, clock, every_s=90) == 3
    assert conflicts.rest_s(KEY) == 300

    clock.move(100)
    rest = conflicts.repair(KEY, SERVICE)
    assert rest is not None
    assert (rest.seconds, rest.begins) == (200, False)


def test_rests_grow_to_an_hour_while_the_fight_goes_on(
    conflicts: ConflictBackoff, clock: HandClock
) -> None:
    rests = []
    for _ in range(6):
        assert repairs(conflicts, clock, every_s=1) == 3
        rest_s = conflicts.rest_s(KEY)
        assert rest_s is not None
        rests.append(rest_s / 60)
        clock.move(rest_s)

    assert rests == [5, 10, 20, 40, 60, 60]
    assert conflicts.rest_s(KEY) is None


def test_a_fight_that_ended_is_forgotten(conflicts: ConflictBackoff, clock: HandClock) -> None:
    for _ in range(3):
        repairs(conflicts, clock, every_s=1)
        clock.move(conflicts.rest_s(KEY) or 0)
    clock.move(2 * 3600)

    assert repairs(conflicts, clock, every_s=1) == 3
    assert conflicts.rest_s(KEY) == 300


def test_rare_repairs_never_rest(conflicts: ConflictBackoff, clock: HandClock) -> None:
    for _ in range(20):
        assert conflicts.repair(KEY, SERVICE) is None
        clock.move(101)


def test_objects_and_resources_fight_for_themselves(
    conflicts: ConflictBackoff, clock: HandClock
) -> None:
    repairs(conflicts, clock, every_s=1)

    assert conflicts.repair(KEY, OTHER) is None
    assert conflicts.repair(("serving", "another"), SERVICE) is None
    assert conflicts.rest_s(("serving", "another")) is None
    conflicts.forget(KEY)
    assert conflicts.repair(KEY, SERVICE) is None


def body(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "chat", "annotations": {}},
        "spec": {"type": "ClusterIP", "ports": [{"port": 80, "name": "http"}], **spec},
    }


def written(wanted: dict[str, Any], stored: dict[str, Any] | None = None) -> Apply:
    apply = to_apply(wanted, stored)
    assert apply is not None
    return apply


def test_only_what_was_written_before_is_repaired() -> None:
    first = written(body())
    stood = {**first.body, "metadata": {**first.body["metadata"], "uid": "1"}}
    changed = {**stood, "spec": {**stood["spec"], "type": "NodePort"}}

    assert is_repair(written(body(), changed), changed)
    assert not is_repair(first, None), "a new object"
    assert not is_repair(written(body(type="LoadBalancer"), stood), stood), "a new wish of ours"


def test_an_object_that_lost_its_digest_is_repaired_too() -> None:
    first = written(body())
    stripped = {**body(), "metadata": {"name": "chat", "uid": "1"}}

    assert is_repair(written(body(), stripped), stripped)
    assert not is_repair(first, stripped), "a name that was free is not a repair"


def test_an_object_that_is_deleted_rests_shorter_and_one_that_the_operator_removed_not_at_all(
    conflicts: ConflictBackoff, clock: HandClock
) -> None:
    conflicts.made(KEY, SERVICE)
    assert conflicts.was_made(KEY, SERVICE)
    assert not conflicts.was_made(KEY, OTHER)

    rests = []
    for _ in range(3):
        while (rest := conflicts.repair(KEY, SERVICE, FIRST_REST_OF_DELETED_S)) is None:
            clock.move(1)
        rests.append(rest.seconds)
        clock.move(rest.seconds)
    assert rests == [30, 60, 120]

    conflicts.removed(KEY, SERVICE)
    assert not conflicts.was_made(KEY, SERVICE)
