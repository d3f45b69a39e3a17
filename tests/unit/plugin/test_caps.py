"""Requests that may have fewer drafts than K: what arrives, what a new table makes of it, the cut.

The scheduler is a stand-in of plain values; a real one is driven in `tests/engines`.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tandem_runtime.contract.table import ALLOW, Range, SpeculationTable
from tandem_runtime.plugin.table.plan import Limits, Plan, plan_of
from tandem_runtime.vllm.caps import RequestCaps


def plan(**changes: Any) -> Plan:
    table = SpeculationTable(lock="", generation=1, schedule=(Range(1, 8, 7),), **changes)
    return plan_of(table, Limits(7, (0, 1, 3, 7)))


class Scene:
    """A scheduler with these requests: marks by name, and whether a grammar constrains it."""

    def __init__(self, acts: bool = True, **requests: tuple[dict[str, Any], bool]) -> None:
        self.requests = {
            name: SimpleNamespace(
                request_id=name,
                sampling_params=SimpleNamespace(extra_args=marks),
                use_structured_output=constrained,
                spec_token_ids=[-1] * 7,
            )
            for name, (marks, constrained) in requests.items()
        }
        self.scheduler = SimpleNamespace(requests=self.requests, running=[])
        self.caps = RequestCaps(self.scheduler, acts)
        for request in self.requests.values():
            self.caps.arrived(request, plan())

    def drafts(self) -> dict[str, int]:
        self.caps.cut()
        return {name: len(request.spec_token_ids) for name, request in self.requests.items()}


def most(tokens: int) -> tuple[dict[str, Any], bool]:
    return {"tandem_max_draft_tokens": tokens}, False


PLAIN: tuple[dict[str, Any], bool] = ({}, False)
CONSTRAINED: tuple[dict[str, Any], bool] = ({}, True)


def test_drafts_beyond_a_cap_are_cut_and_those_of_others_are_not() -> None:
    scene = Scene(plain=PLAIN, three=most(3), odd=most(5), off=most(0), grammar=CONSTRAINED)

    assert scene.drafts() == {"plain": 7, "three": 3, "odd": 3, "off": 0, "grammar": 0}
    assert scene.caps.bypassed == {"request": 1, "constrained": 1}


def test_fewer_drafts_than_the_cap_stay_as_they_are() -> None:
    scene = Scene(three=most(3))
    scene.requests["three"].spec_token_ids = [5, 6, 7]

    scene.caps.cut()
    assert scene.requests["three"].spec_token_ids == [5, 6, 7]


def test_the_first_drafts_are_kept() -> None:
    scene = Scene(one=most(1))
    scene.requests["one"].spec_token_ids = [5, 6, 7]

    scene.caps.cut()
    assert scene.requests["one"].spec_token_ids == [5]


def test_a_table_that_allows_constrained_requests_frees_those_that_run() -> None:
    scene = Scene(grammar=CONSTRAINED, three=most(3))
    scene.caps.adopt(plan(constrained_output=ALLOW))

    assert scene.drafts() == {"grammar": 7, "three": 3}
    scene.caps.adopt(plan())
    assert scene.drafts() == {"grammar": 0, "three": 3}


def test_a_finished_request_is_forgotten() -> None:
    scene = Scene(three=most(3), one=most(1))
    del scene.requests["three"]

    scene.caps.cut()
    scene.caps.forget_finished()
    assert set(scene.caps.capped) == {"one"}
    scene.requests["three"] = scene.requests["one"]
    scene.caps.adopt(plan())
    assert set(scene.caps.capped) == {"one"}


def test_where_drafts_cannot_be_cut_requests_are_only_told_apart() -> None:
    marks = {"tandem_max_draft_tokens": 1, "tandem_segment": "chat"}
    scene = Scene(acts=False, three=(marks, False))
    scene.caps.adopt(plan())

    assert scene.drafts() == {"three": 7}
    assert scene.caps.bypassed == {}
    assert scene.caps.segments(None) == {"three": "chat"}
    assert scene.caps.segments(plan()) == {"three": "other"}


@pytest.mark.parametrize(
    ("running", "depth"), [(("one",), 1), (("one", "three"), 3), (("one", "plain"), 7)]
)
def test_k_is_lowered_only_where_every_running_request_is_capped(
    running: tuple[str, ...], depth: int
) -> None:
    scene = Scene(plain=PLAIN, one=most(1), three=most(3))
    scene.scheduler.running = [scene.requests[name] for name in running]

    assert scene.caps.lowered(7, len(running)) == depth
    assert scene.caps.lowered(0, len(running)) == 0


def test_requests_of_a_step_that_run_without_speculation_are_counted() -> None:
    scene = Scene(plain=PLAIN, off=most(0), grammar=CONSTRAINED, one=most(1))

    assert scene.caps.bypassing({"plain": 1, "off": 1, "one": 2}) == 1
    assert scene.caps.bypassing({"off": 1, "grammar": 1}) == 2
