"""The evaluation's command prints every promised figure; its cases are the same for a seed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tandem_operator.simulation import evaluation
from tandem_operator.simulation.policies import Tuned
from tandem_operator.simulation.scoring import case
from tandem_operator.simulation.scoring.case import Setup
from tandem_operator.simulation.scoring.cases import alternating_world, requests_per_s, world_of
from tandem_operator.simulation.world.profile import Engine, read_profile
from tandem_operator.simulation.world.truth import Truth

PROFILE = Path(__file__).parents[3] / "operator/tandem_operator/profiles/qwen2.5-72b-2xh100.json"


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    shutil.copy(PROFILE, tmp_path)
    return tmp_path


def words(profiles: Path, *more: str) -> list[str]:
    return ["--profiles", str(profiles), "--seeds", "6", "--horizon", "60", *more]


def test_one_setup_as_json(
    profiles: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case, "ANSWERS_S", 400.0)
    more = ["--counters", "plugin", "--stabilization", "0", "--scrape", "2", "--output", "json"]
    assert evaluation.main(words(profiles, *more)) == 0
    (document,) = json.loads(capsys.readouterr().out).values()
    figures = {one["name"]: one for one in document["figures"]}
    assert 0 <= figures["regret, %"]["usual"] < 100
    assert figures["collapse, windows"]["count"] >= 1
    assert figures["back on, windows"]["count"] >= 1


def test_a_table_has_a_column_a_setup(
    profiles: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case, "ANSWERS_S", 60.0)
    more = ["--counters", "stock", "--stabilization", "0,30", "--scrape", "10"]
    assert evaluation.main(words(profiles, *more)) == 0
    output = capsys.readouterr().out
    assert output.count("scrape 10 s") == 2
    assert "tax of the idle draft" in output


def test_no_profile_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluation.main(words(tmp_path)) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_a_seed_is_one_world() -> None:
    engine = read_profile(PROFILE)
    for draw in (world_of, alternating_world):
        one, other, third = (draw(engine, seed, 60.0, 2.0, True) for seed in (7, 7, 8))
        assert (one.truth, one.trace) == (other.truth, other.trace)
        assert one.truth != third.truth


def test_the_first_minutes_with_a_profile_are_those_of_the_case_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(case, "ANSWERS_S", 20.0)
    tuned = case.tuned
    monkeypatch.setattr(
        case, "tuned", lambda engine, setup, **_: tuned(engine, setup, start_profile=False)
    )
    one = case.score(read_profile(PROFILE), 3, Setup("plugin", 0.0, 2.0), 400.0)
    assert one.start_regret == pytest.approx(one.first_regret, rel=0.01)
    assert one.regret != pytest.approx(one.first_regret, rel=0.01)


@pytest.mark.parametrize("counters", case.COUNTERS)
def test_the_tuner_sees_the_counters_of_its_setup(
    counters: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With stock counters it asks for bursts that fill scrape intervals; else three steps do."""
    policies: list[Tuned] = []
    tuned = case.tuned

    def noted(engine: Engine, setup: Setup, *, start_profile: bool) -> Tuned:
        policies.append(tuned(engine, setup, start_profile=start_profile))
        return policies[-1]

    monkeypatch.setattr(case, "ANSWERS_S", 20.0)
    monkeypatch.setattr(case, "tuned", noted)
    case.score(read_profile(PROFILE), 3, Setup(counters, 0.0, 2.0), 20.0)
    last = [policy.decisions[-1][1].explore for policy in policies]
    assert len(last) == 3
    assert {explore["steps"] > 3 for explore in last if explore} == {counters == "stock"}


def bare(base_s: float = 0.0, token_s: float = 0.0, prefill_s: float = 0.0) -> Truth:
    return Truth(base_s=base_s, token_s=token_s, draft_pass_s=0.0, prefill_s=prefill_s, sync_s=0.0)


def test_a_load_is_a_share_of_the_tokens_that_32_requests_get_without_drafts() -> None:
    """Answers have 200 tokens."""
    assert requests_per_s(bare(base_s=0.016), 0.5) == pytest.approx(0.5 * 32 / 0.016 / 200)
    assert requests_per_s(bare(token_s=0.001), 0.5) == pytest.approx(0.5 * 1000 / 200)


def test_prompts_of_700_tokens_take_at_most_two_fifths_of_the_time() -> None:
    slow = bare(base_s=0.016, prefill_s=0.001)
    chunk_s = 0.016 + 2048 * 0.001
    assert requests_per_s(slow, 0.5) == pytest.approx(0.4 / (700 / 2048 * chunk_s))
