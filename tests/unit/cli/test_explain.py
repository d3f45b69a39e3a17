"""`tandem explain`: what is in force, then the decisions with their numbers, newest last."""

from __future__ import annotations

import json

import pytest

from tandem_operator.control.decision_log import to_json
from tests.unit.cli.builders import decided, resource
from tests.unit.cli.conftest import Tandem
from tests.unit.cli.fake_api import FakeApi

START_S = 1_800_000_000.0


def keep(api: FakeApi, count: int) -> None:
    """The resource `chat` with so many decisions, a minute apart."""
    records = tuple(
        decided(START_S + 60 * index, message=f"decision {index}") for index in range(count)
    )
    api.resources = [resource()]
    api.config_maps["shop/chat-tuner"] = {"records.json": to_json(records)}


def test_what_is_in_force_comes_first(api: FakeApi, tandem: Tandem) -> None:
    keep(api, 1)

    assert tandem("explain", "chat").out.splitlines()[:5] == [
        "SpeculativeDeployment shop/chat",
        "in force: Active, K=3 at the present load",
        "  K by decoding requests: 1-16: 3, 17-64: 1, 65 and more: 0",
        "  table generation 4, applied by 2 replicas, live mode Lookup",
        "  measured: acceptance 71 %, accepted tokens per draft 2.1, speedup 1.8, "
        "compared with Idle",
    ]


def test_acceptance_is_told_by_segment(api: FakeApi, tandem: Tandem) -> None:
    keep(api, 1)
    api.resources[0]["status"]["speculation"]["segments"] = [
        {"name": "code", "acceptanceRatePercent": 82},
        {"name": "other", "acceptanceRatePercent": 55},
    ]

    lines = tandem("explain", "chat").out.splitlines()

    assert "  acceptance by segment: code 82 %, other 55 %" in lines


def test_why_the_draft_is_out_and_what_decayed_are_told(api: FakeApi, tandem: Tandem) -> None:
    keep(api, 1)
    why = {"reason": "RemovedByRollout", "message": "the draft is not loaded (NotProfitable)"}
    fallen = {"reason": "Decayed", "message": "acceptance is 60 %"}
    other = {"type": "Ready", "status": "True", "reason": "Serving", "message": "2 of 2"}
    api.resources[0]["status"]["conditions"] = [
        other,
        {"type": "SpeculationActive", "status": "False", **why},
        {"type": "AcceptanceDecayed", "status": "True", **fallen},
    ]

    lines = tandem("explain", "chat").out.splitlines()

    assert "  RemovedByRollout: the draft is not loaded (NotProfitable)" in lines
    assert "  Decayed: acceptance is 60 %" in lines
    document = json.loads(tandem("explain", "chat", "-o", "json").out)
    assert document["rollouts"] == [why, fallen]


def test_why_k_came_by_a_rollout_is_told(api: FakeApi, tandem: Tandem) -> None:
    keep(api, 1)
    why = {"reason": "Tuned", "message": "K 7 -> 3 by rollout: 25 % more goodput"}
    status = api.resources[0]["status"]
    status["conditions"] = [{"type": "SpeculationActive", "status": "True", **why}]
    live = tandem("explain", "chat").out
    status["speculation"]["liveMode"] = "Rollout"
    rolled = tandem("explain", "chat").out

    line = "  Tuned: K 7 -> 3 by rollout: 25 % more goodput"
    assert line in rolled.splitlines()
    assert line not in live.splitlines()


def test_a_decision_is_told_with_its_inputs(api: FakeApi, tandem: Tandem) -> None:
    keep(api, 1)

    _, _, output = tandem("explain", "chat").out.partition("\n\n")

    assert output.splitlines() == [
        "2027-01-15T08:00:00Z Tuned, Active",
        "  decision 0",
        "  K by decoding requests: 1-8: 3, 9 and more: 1",
        "  with prefill in the step: 1 and more: 1",
        "  predicted: batch 3.2, K 3, tokens per step 2.90, ms per token 12.10, measured 12.50, "
        "acceptance % 71, survival by position % 80 / 60 / 45, speedup 1.83",
        "  inputs: replicas 1, batch 3.25, step cells 7",
        "  chat-a: seconds 30.0, running 3.0, waiting 0.0, tokens 900, drafts 310, drafted 930, "
        "accepted by position 248 / 186 / 140, steps of mixed depths 10.0 %",
        "  slower than the others: chat-b",
    ]


def test_the_newest_decisions_are_shown_newest_last(api: FakeApi, tandem: Tandem) -> None:
    keep(api, 8)

    def shown(*words: str) -> list[str]:
        lines = tandem("explain", "chat", *words).out.splitlines()
        return [line.split()[1] for line in lines if line.startswith("  decision ")]

    assert shown() == ["3", "4", "5", "6", "7"]
    assert shown("--last", "2") == ["6", "7"]
    assert shown("--last", "50") == [str(index) for index in range(8)]


def test_json_has_the_records_as_they_are_kept(api: FakeApi, tandem: Tandem) -> None:
    keep(api, 3)

    document = json.loads(tandem("explain", "chat", "--last", "1", "--output", "json").out)

    assert (document["namespace"], document["name"]) == ("shop", "chat")
    assert document["speculation"]["effectiveTokens"] == 3
    assert document["records"] == [decided(START_S + 120, message="decision 2")]


def test_before_the_first_decision_it_says_what_is_missing(api: FakeApi, tandem: Tandem) -> None:
    api.resources = [resource(speculation=None)]

    done = tandem("explain", "chat")

    assert done.status == 0
    assert "in force: nothing yet" in done.out
    assert "No decision is recorded" in done.out


@pytest.mark.parametrize("damaged", ["", "{", '{"a": 1}', '["text"]'])
def test_damaged_records_are_named_with_the_remedy(
    damaged: str, api: FakeApi, tandem: Tandem
) -> None:
    keep(api, 1)
    api.config_maps["shop/chat-tuner"]["records.json"] = damaged

    done = tandem("explain", "chat")

    assert done.status == 2
    assert "records.json of ConfigMap chat-tuner holds no decision records" in done.err


def test_records_of_another_release_are_told_as_far_as_they_are_known(
    api: FakeApi, tandem: Tandem
) -> None:
    keep(api, 1)
    api.config_maps["shop/chat-tuner"]["records.json"] = json.dumps(
        [{"time": "2026-01-01T00:00:00Z", "reason": "Tuned", "state": "Active", "novel": [1]}]
    )

    assert tandem("explain", "chat").out.endswith("\n\n2026-01-01T00:00:00Z Tuned, Active\n")


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_wrong_number_of_decisions_is_refused(
    count: str, tandem: Tandem, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        tandem("explain", "chat", f"--last={count}")

    assert ended.value.code == 2
    assert "give 1 or more" in capsys.readouterr().err
