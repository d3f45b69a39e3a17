"""`tandem status`: a table as of kubectl get, and what is not as it should be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from tandem_operator.cli.status.command import show
from tandem_operator.cli.status.view import age_of, concerns_of, view
from tests.unit.cli.builders import HEALTHY, condition, resource
from tests.unit.cli.conftest import Tandem
from tests.unit.cli.fake_api import FakeApi

STALLED = condition("Stalled", "True", "ModelNotFound", "hf://org/[gone] does not exist")


def rows(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines()]


def test_a_healthy_resource_is_one_row(api: FakeApi, tandem: Tandem) -> None:
    api.resources = [resource()]

    done = tandem("status")

    assert done.status == 0
    header, row = rows(done.out)
    row_by_column = dict(zip(header, row, strict=True))
    assert {key: row_by_column[key] for key in row_by_column if key != "AGE"} == {
        "NAME": "chat",
        "READY": "True",
        "REPLICAS": "2/2",
        "PAIR": "Equal",
        "METHOD": "DraftModel",
        "SPECULATION": "Active",
        "K": "3",
        "ACCEPTANCE%": "71",
        "SPEEDUP": "1.8",
    }


def test_conditions_that_are_wrong_follow_with_their_whole_messages(
    api: FakeApi, tandem: Tandem
) -> None:
    long = "the draft's ids differ " * 30 + "END"
    wrong = (STALLED, condition("PairCompatible", "False", "IdsDiffer", long))
    api.resources = [resource(conditions=(HEALTHY[0], *wrong))]

    done = tandem("status", "chat")

    _, _, concerns = done.out.partition("chat:\n")
    assert concerns.splitlines() == [
        "  Stalled is True (ModelNotFound): hf://org/[gone] does not exist",
        f"  PairCompatible is False (IdsDiffer): {long}",
    ]


def test_only_the_namespace_that_is_meant_is_shown(api: FakeApi, tandem: Tandem) -> None:
    api.resources = [resource("chat"), resource("code", "lab")]

    assert [row[0] for row in rows(tandem("status").out)[1:]] == ["chat"]
    assert [row[0] for row in rows(tandem("status", "-n", "lab").out)[1:]] == ["code"]
    everywhere = rows(tandem("status", "-A").out)[1:]
    assert [row[:2] for row in everywhere] == [["lab", "code"], ["shop", "chat"]]


def test_every_page_of_a_long_list_is_read(api: FakeApi, tandem: Tandem) -> None:
    api.page_size = 2
    api.resources = [resource(f"chat-{index}") for index in range(5)]

    assert len(rows(tandem("status").out)) == 1 + 5


def test_json_has_the_numbers_and_the_concerns(api: FakeApi, tandem: Tandem) -> None:
    api.resources = [resource(conditions=(*HEALTHY, STALLED))]

    [summary] = json.loads(tandem("status", "-o", "json").out)["resources"]

    assert (summary["effectiveTokens"], summary["acceptanceRatePercent"]) == (3, 71)
    assert summary["concerns"] == [
        {
            "type": "Stalled",
            "status": "True",
            "reason": "ModelNotFound",
            "message": "hf://org/[gone] does not exist",
        }
    ]


def test_none_at_all_is_said_on_standard_error(api: FakeApi, tandem: Tandem) -> None:
    assert tandem("status").err == "no resources in namespace shop\n"
    assert tandem("status", "-A").err == "no resources in any namespace\n"


def test_a_resource_that_no_operator_has_seen_is_shown_and_says_so(
    api: FakeApi, tandem: Tandem
) -> None:
    fresh = resource(generation=1)
    fresh["status"] = {"observedGeneration": -1}
    api.resources = [fresh]

    out = tandem("status").out

    assert "no operator has observed this resource" in out
    assert rows(out)[1][:2] == ["chat", "0/2"]


def test_a_change_that_was_not_observed_yet_is_a_concern() -> None:
    [concern] = concerns_of(resource(generation=3, observed=2))

    assert concern.message == "the operator has observed generation 2, not yet 3"


@pytest.mark.parametrize("kind", ["Reconciling", "Stalled", "Paused", "AcceptanceDecayed"])
def test_a_condition_that_stands_only_while_true_is_a_concern_while_it_stands(kind: str) -> None:
    concerns = concerns_of(resource(conditions=(*HEALTHY, condition(kind, "True", "Why"))))

    assert [concern.type for concern in concerns] == [kind]


@pytest.mark.parametrize("status", ["False", "Unknown"])
@pytest.mark.parametrize("kind", ["Ready", "PairCompatible", "MetricsAvailable"])
def test_any_other_condition_is_a_concern_while_it_is_not_true(kind: str, status: str) -> None:
    concerns = concerns_of(resource(conditions=(condition(kind, status, "Why"),)))

    assert [concern.type for concern in concerns] == [kind]


def test_a_name_and_all_namespaces_exclude_each_other(tandem: Tandem) -> None:
    done = tandem("status", "chat", "-A")

    assert done.status == 2
    assert "exclude each other" in done.err


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172_800, "2d")],
)
def test_age_counts_in_the_largest_unit_of_which_there_are_two(seconds: int, expected: str) -> None:
    now = datetime(2026, 5, 6, tzinfo=UTC)

    assert age_of(now - timedelta(seconds=seconds), now) == expected


def test_a_clock_that_runs_behind_gives_no_negative_age() -> None:
    now = datetime(2026, 5, 6, tzinfo=UTC)

    assert age_of(now + timedelta(seconds=5), now) == "0s"


@pytest.mark.parametrize(
    ("width", "left_out"),
    [(120, []), (80, ["METHOD", "AGE"]), (70, ["METHOD", "AGE", "PAIR"])],
)
def test_a_narrow_table_leaves_columns_out_and_cuts_none(width: int, left_out: list[str]) -> None:
    resources = [resource("code-assistant")]
    console = Console(width=width, record=True, file=StringIO())
    now = datetime(2026, 1, 2, 4, tzinfo=UTC)
    show(console, view(resources, now, False, width))

    wide = Console(width=400, record=True, file=StringIO())
    show(wide, view(resources, now, False, 400))
    every = wide.export_text().split("\n")[0].split()
    heading, row = console.export_text().rstrip().split("\n")
    assert [each for each in every if each not in heading.split()] == sorted(
        left_out, key=every.index
    )
    assert "…" not in heading + row
    assert row.split()[0] == "code-assistant"
