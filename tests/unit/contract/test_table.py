"""The speculation table: what is taken, what is refused and in which words, and its order."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_runtime.contract.table import (
    ALLOW,
    BYPASS,
    MAX_BYTES,
    Explore,
    Range,
    Segment,
    SpeculationTable,
    TableError,
    parse,
    render,
)

MINIMAL = {"version": 1, "lock": "ab", "generation": 3, "schedule": [[1, 8, 5], [9, 32, 0]]}


def text(**changes: object) -> str:
    return json.dumps({**MINIMAL, **changes})


def test_all_after_schedule_is_optional() -> None:
    table = parse(text())

    assert table == SpeculationTable(
        lock="ab", generation=3, schedule=(Range(1, 8, 5), Range(9, 32, 0))
    )
    assert (table.epoch, table.enabled, table.hysteresis_percent) == ("", True, 10)
    assert table.constrained_output == BYPASS
    assert table.prefill_schedule is None
    assert table.explore is None
    assert table.max_concurrency is None


def test_a_full_table_is_read() -> None:
    table = parse(
        text(
            epoch="uid", enabled=False, prefillSchedule=[[1, 256, 1]],
            explore={"every": 200, "steps": 3, "offsets": [1, -1]}, hysteresisPercent=25,
            constrainedOutput="Allow", maxConcurrency=64,
            segments={"creative": {"maxTokens": 2}}, reason="why",
        )
    )  # fmt: skip

    assert table == SpeculationTable(
        lock="ab", generation=3, schedule=(Range(1, 8, 5), Range(9, 32, 0)), epoch="uid",
        enabled=False, prefill_schedule=(Range(1, 256, 1),), explore=Explore(200, 3, (1, -1)),
        hysteresis_percent=25, constrained_output=ALLOW, max_concurrency=64,
        segments={"creative": Segment(2)}, reason="why",
    )  # fmt: skip


def test_unknown_keys_are_ignored() -> None:
    assert parse(text(colour="blue", explore={"every": 9, "steps": 1, "offsets": [1], "x": 1}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version is 2; it must be 1"),
        ({"version": True}, "version is True"),
        ({"generation": -1}, "generation is -1"),
        ({"generation": "3"}, "generation is '3'"),
        ({"lock": 5}, "lock is 5; it must be a string"),
        ({"enabled": 1}, "enabled is 1; it must be true or false"),
        ({"schedule": None}, "schedule is None; it must be a list"),
        ({"schedule": []}, "schedule is '0 ranges'"),
        ({"schedule": [[1, 8]]}, r"schedule\[0\] is \[1, 8\]; it must be three integers"),
        ({"schedule": [[1, 8, 1.0]]}, "three integers"),
        ({"schedule": [[2, 8, 1]]}, r"schedule\[0\] first is 2; it must be 1"),
        ({"schedule": [[1, 8, 1], [10, 12, 0]]}, r"schedule\[1\] first is 10; it must be 9"),
        ({"schedule": [[1, 8, 1], [8, 12, 0]]}, r"schedule\[1\] first is 8; it must be 9"),
        ({"schedule": [[1, 0, 1]]}, r"schedule\[0\] last is 0"),
        ({"schedule": [[1, 8, -1]]}, r"schedule\[0\] tokens is -1"),
        ({"prefillSchedule": [[3, 4, 1]]}, r"prefillSchedule\[0\] first is 3"),
        ({"explore": []}, "explore is"),
        ({"explore": {"every": 0, "steps": 1, "offsets": [1]}}, "explore.every is 0"),
        ({"explore": {"every": 3, "steps": 4, "offsets": [1]}}, "explore.steps is 4"),
        ({"explore": {"every": 3, "steps": 1, "offsets": []}}, "explore.offsets is"),
        ({"hysteresisPercent": 101}, "hysteresisPercent is 101"),
        ({"constrainedOutput": "bypass"}, "constrainedOutput is 'bypass'"),
        ({"maxConcurrency": -2}, "maxConcurrency is -2"),
        ({"segments": {"No Name": {}}}, "segments is 'No Name'"),
        ({"segments": {"a": {"maxTokens": -1}}}, "segments.a.maxTokens is -1"),
    ],
)
def test_a_wrong_table_is_refused_by_key_and_value(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(TableError, match=message):
        parse(text(**changes))


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "\0\0", "NaN", '{"version": 1}', '{"schedule": [[1, NaN, 2]]}',
     "[" * 60_000, b"\xff\xfe\x00", " " * (MAX_BYTES + 1)],
)  # fmt: skip
def test_what_is_no_table_is_refused(content: str | bytes) -> None:
    with pytest.raises(TableError):
        parse(content)


def test_tokens_follow_the_ranges_and_the_last_extends_upward() -> None:
    table = parse(text(schedule=[[1, 8, 5], [9, 32, 3]]))

    assert [table.tokens_for(batch) for batch in (0, 1, 8, 9, 32, 33, 5000)] == [
        5, 5, 5, 3, 3, 3, 3,
    ]  # fmt: skip


def test_nothing_is_drafted_when_off_or_above_the_highest_concurrency() -> None:
    assert parse(text(enabled=False)).tokens_for(1) == 0
    limited = parse(text(schedule=[[1, 64, 5]], maxConcurrency=4))
    assert (limited.tokens_for(4), limited.tokens_for(5)) == (5, 0)


def table(generation: int, epoch: str = "e", lock: str = "ab") -> SpeculationTable:
    return SpeculationTable(
        lock=lock, epoch=epoch, generation=generation, schedule=(Range(1, 8, 1),)
    )


def test_within_an_epoch_only_newer_generations_are_taken() -> None:
    assert table(1).supersedes(None)
    assert table(5).supersedes(table(4))
    assert not table(4).supersedes(table(4))
    assert not table(3).supersedes(table(4))


def test_a_new_epoch_and_another_lock_are_always_taken() -> None:
    assert table(1, epoch="f").supersedes(table(9))
    assert table(1, epoch="f").supersedes(table(1, epoch=""))
    assert table(1, lock="cd").supersedes(table(9))


def test_the_first_write_lacks_its_epoch_and_needs_a_newer_generation() -> None:
    assert not table(9, epoch="").supersedes(table(9))
    assert table(10, epoch="").supersedes(table(9))


@st.composite
def schedules(draw: st.DrawFn) -> tuple[Range, ...]:
    tops = sorted(draw(st.sets(st.integers(1, 500), min_size=1, max_size=8)))
    firsts = [1, *(top + 1 for top in tops[:-1])]
    return tuple(
        Range(first, top, draw(st.integers(0, 20))) for first, top in zip(firsts, tops, strict=True)
    )


tables = st.builds(
    SpeculationTable,
    lock=st.text(max_size=16),
    generation=st.integers(0, 2**40),
    schedule=schedules(),
    epoch=st.text(max_size=36),
    enabled=st.booleans(),
    prefill_schedule=st.none() | schedules(),
    explore=st.none()
    | st.builds(
        Explore,
        every=st.integers(10, 1000),
        steps=st.integers(1, 10),
        offsets=st.lists(st.integers(-5, 5), min_size=1, max_size=6).map(tuple),
    ),
    hysteresis_percent=st.integers(0, 100),
    constrained_output=st.sampled_from([BYPASS, ALLOW]),
    max_concurrency=st.none() | st.integers(0, 500),
    segments=st.dictionaries(
        st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True),
        st.builds(Segment, max_tokens=st.integers(0, 9)),
        max_size=4,
    ),
    reason=st.text(max_size=40),
)


@given(tables)
def test_a_rendered_table_reads_back_and_renders_to_the_same_bytes(
    original: SpeculationTable,
) -> None:
    again = parse(render(original))

    assert again == original
    assert render(again) == render(original)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["version", "schedule", "segments", "explore", "lock"]), inner, max_size=5
    ),
))  # fmt: skip
def test_no_document_raises_anything_but_a_table_error(document: object) -> None:
    content = json.dumps({**MINIMAL, **document} if isinstance(document, dict) else document)
    with contextlib.suppress(TableError):
        parse(content)
