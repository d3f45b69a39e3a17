"""The evaluation's command prints every promised figure; its cases are the same for a seed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tandem_operator.simulation import evaluation
from tandem_operator.simulation.scoring import case
from tandem_operator.simulation.scoring.case import Setup
from tandem_operator.simulation.scoring.cases import alternating_world, world_of
from tandem_operator.simulation.world.profile import read_profile

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
    (found,) = json.loads(capsys.readouterr().out).values()
    figures = {one["name"]: one for one in found["figures"]}
    assert 0 <= figures["regret, %"]["usual"] < 100
    assert figures["collapse, windows"]["count"] >= 1
    assert figures["back on, windows"]["count"] >= 1


def test_a_table_has_a_column_a_setup(
    profiles: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case, "ANSWERS_S", 60.0)
    more = ["--counters", "stock", "--stabilization", "0,30", "--scrape", "10"]
    assert evaluation.main(words(profiles, *more)) == 0
    said = capsys.readouterr().out
    assert said.count("scrape 10 s") == 2
    assert "tax of the idle draft" in said


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
