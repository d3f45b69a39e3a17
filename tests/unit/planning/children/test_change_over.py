"""From a Deployment to groups and back: the new one is made beside the old one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.planning.children import change_over
from tandem_operator.workloads.base import Counts, Rollout
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.groups import ALONE, GROUP, GroupWorld


@pytest.mark.parametrize(("before", "after"), [(ALONE, GROUP), (GROUP, ALONE)])
def test_changing_over_makes_the_new_one_beside_and_then_removes_the_old(
    before: Object, after: Object
) -> None:
    there = GroupWorld(builders.resource({**before, "replicas": 2}))
    there.serve()
    there.edit({"accelerator.count": after.get("accelerator.count")})
    there.settle()
    there.lock_ends(builders.good())
    seen = set()
    for _ in range(12):
        there.settle()
        standing = {each["kind"]: each["spec"]["replicas"] for each in there.workloads()}
        seen.add(tuple(sorted(standing.items())))
        assert sum(standing.values()) <= 3, "no more than the surge"
        assert there.ready() >= 2, "no fewer than replicas serve"
        there.roll_out()
    there.settle()
    assert len(there.workloads()) == 1
    assert len(seen) > 2, "one after the other"
    assert there.condition("Reconciling") is None
    assert there.resource["status"]["readyReplicas"] == 2


def test_a_new_one_that_never_starts_leaves_the_old_one_whole_and_a_way_back() -> None:
    there = GroupWorld(builders.resource({**ALONE, "replicas": 2}))
    there.serve()
    before = there.only("Deployment")["spec"]["template"]
    there.edit({"accelerator.count": None})
    there.settle()
    there.lock_ends(builders.good())
    for _ in range(4):
        there.settle()
        there.roll_out(ready_groups=0)
    assert there.only("Deployment")["spec"]["replicas"] == 2
    assert there.only("Deployment")["spec"]["template"] == before
    assert there.condition("Ready") == ("True", "Serving")
    there.edit({"accelerator.count": 4})
    there.settle()
    assert there.all_of("LeaderWorkerSet") == []
    assert there.condition("Reconciling") is None


def _counts(wanted: int, replicas: int, available: int) -> Counts:
    return Counts(True, wanted, replicas, available, available, available, None, None)


@given(
    wanted=st.integers(0, 9),
    surge=st.integers(0, 3),
    missing=st.integers(0, 3),
    old=st.integers(0, 9),
)
def test_changing_over_always_ends_and_never_passes_its_bounds(
    wanted: int, surge: int, missing: int, old: int
) -> None:
    """Whatever the sizes: the old one empties, the new one fills."""
    rollout = Rollout(missing, surge, 600, 0)
    may_miss = missing or (0 if surge else 1)
    running, left = 0, old
    for _ in range(60):
        new, old_wanted = change_over.sizes(
            wanted, rollout, _counts(running, running, running), _counts(left, left, left)
        )
        assert running <= new <= max(running, wanted)
        assert old_wanted <= left
        assert new == running or new + left <= wanted + surge
        assert old_wanted == left or old_wanted + running >= wanted - may_miss
        running, left = new, old_wanted
    assert (running, left) == (wanted, 0) if wanted else left == 0


@pytest.mark.parametrize(
    ("amount", "of", "up", "share"),
    [(2, 9, True, 2), ("25%", 10, True, 3), ("25%", 10, False, 2), ("0%", 10, True, 0)],
)
def test_a_share_is_rounded_as_the_api_server_does(
    amount: Any, of: int, up: bool, share: int
) -> None:
    rollout = Rollout(amount if not up else 0, amount if up else 0, 600, 0)
    new, old = change_over.sizes(of, rollout, None, _counts(of, of, of))
    assert (new, old) == ((share, of) if up and share else (0, of - (share or 1)))
