"""What a request may ask for, and what becomes of it."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from tandem_runtime.contract.table import ALLOW, Range, Segment, SpeculationTable
from tandem_runtime.plugin.depth.request_options import (
    PLAIN,
    RequestFieldError,
    RequestOptions,
    bypass_cause,
    cap_of,
    check,
    options_of,
)
from tandem_runtime.plugin.table.plan import Limits, Plan, plan_of
from tandem_runtime.vllm.request_fields import with_fields


def plan(tiers: tuple[int, ...] = (0, 1, 3, 7), **changes: Any) -> Plan:
    table = SpeculationTable(
        lock="", generation=1, schedule=(Range(1, 8, 7),), segments={"chat": Segment(5)}, **changes
    )
    return plan_of(table, Limits(7, tiers))


def test_options_are_read_from_the_marks() -> None:
    def options(constrained: bool = False, **marks: Any) -> RequestOptions:
        return options_of(marks or None, constrained)

    assert options() is PLAIN
    assert options(True) == RequestOptions(constrained=True)
    assert options(True, tandem_segment="chat") == RequestOptions(constrained=True, segment="chat")
    assert options(tandem_speculation="off") == RequestOptions(off=True)
    assert options(tandem_speculation="on", tandem_segment="Not A Name") == PLAIN
    assert options(tandem_segment="chat") == RequestOptions(segment="chat")
    assert options(tandem_max_draft_tokens="2") == RequestOptions(max_draft_tokens=2)
    assert options(tandem_max_draft_tokens="1024") == RequestOptions(max_draft_tokens=1024)
    assert options(tandem_max_draft_tokens=0).off


@pytest.mark.parametrize(
    "value", [-1, 1.5, True, None, "", "-1", "two", "\u0663", [2], 1025, "1025", "00001"]
)
def test_a_cap_that_is_no_number_of_tokens_is_no_mark(value: object) -> None:
    assert options_of({"tandem_max_draft_tokens": value}, False) == PLAIN


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("tandem_speculation", value) for value in ("Off", "", False, None, 0, ["off"])),
        *(("tandem_max_draft_tokens", value) for value in (-1, 2000, 1.5, True, None, "two")),
    ],
)
def test_a_value_that_would_do_nothing_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(RequestFieldError, match=re.escape(f"{name} is {value!r}: give ")):
        check({name: value, "mine": "kept"})


def test_every_value_that_means_something_is_taken() -> None:
    check({"tandem_speculation": "off", "tandem_max_draft_tokens": 0})
    check({"tandem_speculation": "on", "tandem_max_draft_tokens": "7", "tandem_segment": 5})
    check({"tandem_unheard": object()})


def test_the_bypass_is_the_default_and_the_tables_choice() -> None:
    bypasses, allows = plan(), plan(constrained_output=ALLOW)
    constrained, off = RequestOptions(constrained=True), RequestOptions(off=True)

    assert [cap_of(constrained, one) for one in (None, bypasses, allows)] == [0, 0, None]
    assert [bypass_cause(off, one) for one in (None, allows)] == ["request", "request"]
    assert cap_of(RequestOptions(segment="unheard"), bypasses) is None


def test_caps_are_taken_down_to_a_tier_and_the_smaller_one_holds() -> None:
    def cap(most: int | None, segment: str = "") -> int | None:
        return cap_of(RequestOptions(max_draft_tokens=most, segment=segment), plan())

    assert [cap(most) for most in (None, 1, 2, 3, 6, 7, 32)] == [None, 1, 1, 3, 3, 7, 7]
    assert [cap(most, "chat") for most in (None, 1, 6, 32)] == [3, 1, 3, 3]


def test_before_the_first_table_a_cap_is_taken_as_it_is() -> None:
    assert cap_of(RequestOptions(max_draft_tokens=2), None) == 2


def test_own_fields_of_a_request_go_where_its_marks_are() -> None:
    class Chat:
        def __init__(self, **fields: object) -> None:
            self.model_extra, self.vllm_xargs = fields, None

        def to_sampling_params(self) -> Any:
            return SimpleNamespace(extra_args={"kept": 1, "tandem_segment": "before"})

    read = with_fields(Chat.to_sampling_params)

    assert read(Chat(tandem_segment="after", seen_by_nobody=2)).extra_args == {
        "kept": 1,
        "tandem_segment": "after",
    }
    assert read(Chat()).extra_args == {"kept": 1, "tandem_segment": "before"}
    with pytest.raises(RequestFieldError):
        read(Chat(tandem_speculation="never"))
