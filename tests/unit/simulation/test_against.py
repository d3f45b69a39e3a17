"""A real run is compared with the simulator; one that it made itself agrees."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tandem_operator.simulation.comparison import command
from tandem_operator.simulation.comparison.blocks import compare, play, smooth
from tandem_operator.simulation.comparison.difference import by_phase
from tandem_operator.simulation.comparison.real_run import RealRunError, blocks_of
from tandem_operator.simulation.world.profile import Engine, engine_of

PROFILE: Mapping[str, Any] = {
    "name": "made up",
    "source": "made up",
    "max_tokens": 5,
    "step_time": {"base_s": 0.02, "token_s": 0.0004, "draft_pass_s": 0.002, "sync_s": 0.001},
    "survival": {"code": [0.9, 0.8, 0.7], "prose": [0.4, 0.15]},
}
SETTINGS = ("off", "K=1", "K=3", "goodput")


def block(setting: str = "K=3", **other: Any) -> dict[str, Any]:
    return {
        "phase": "4-mixed",
        "setting": setting,
        "clients": 4,
        "mix": {"code": 0.5, "prose": 0.5},
        "input_tokens": [40, 90],
        "output_tokens": 96,
        "seconds": 40.0,
        "tokens_per_s": 100.0,
        "latency_p50_s": 1.0,
        "latency_p95_s": 2.0,
    } | other


def played(engine: Engine, setting: str, seed: int, **other: Any) -> dict[str, Any]:
    """A run of the simulator as if it were measured."""
    one = block(setting, **other)
    return one | asdict(play(smooth(engine), blocks_of([one])[0], seed, None))


def test_another_seed_of_the_same_engine_is_within() -> None:
    engine = engine_of(PROFILE)
    run = [played(engine, setting, seed) for setting in SETTINGS for seed in (51, 52, 53)]
    differences = compare(engine, blocks_of(run))
    assert [(one.setting, one.blocks) for one in differences] == [(name, 3) for name in SETTINGS]
    (phase,) = by_phase(differences)
    assert phase.within
    assert phase.tokens < 0.05


def test_prompts_that_take_longer_than_the_warmup_are_not_counted() -> None:
    """As in a measured block, which begins when all clients' requests are running."""
    slow = {**PROFILE["step_time"], "prefill_token_s": 0.02}
    engine = engine_of({**PROFILE, "step_time": slow})
    figures = played(engine, "K=3", 0, input_tokens=[200])
    # Four prompts of 200 tokens last 16 s, and four answers of 96 tokens at most 2 s.
    assert 4 * 96 / 18.0 <= figures["tokens_per_s"] <= 4 * 96 / 16.0


def test_a_slower_engine_is_found_out_in_its_phase() -> None:
    slower = engine_of(PROFILE | {"step_time": PROFILE["step_time"] | {"base_s": 0.026}})
    run = [played(engine_of(PROFILE), "K=3", 7, phase="same"), played(slower, "K=3", 7)]
    same, other = by_phase(compare(engine_of(PROFILE), blocks_of(run)))
    assert same.within
    assert not other.within
    assert other.tokens == pytest.approx(0.21, abs=0.06)


def test_off_is_exactly_what_the_coefficients_say() -> None:
    run = blocks_of([block("off", clients=1, input_tokens=1, output_tokens=50)])
    (one,) = compare(engine_of(PROFILE), run)
    step_s = 0.02 + 0.0004 + 0.001
    # The first token comes with the prompt's step, which drafts nothing and keeps nothing in sync.
    assert one.simulated.latency_p50_s == pytest.approx(50 * step_s, rel=0.02)
    assert one.simulated.tokens_per_s == pytest.approx(1 / step_s, rel=0.03)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"mix": {"poems": 1.0}}, "'poems'"), ({"setting": "K=6"}, "deeper than the profile's 5")],
)
def test_what_the_profile_does_not_know_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(RealRunError, match=message):
        compare(engine_of(PROFILE), blocks_of([block(**wrong)]))


def test_the_command_tells_whether_all_phases_are_within(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile, run = tmp_path / "profile.json", tmp_path / "run.json"
    profile.write_text(json.dumps(PROFILE))
    words = ["--profile", str(profile), "--run", str(run)]
    assert command.main(words) == 2
    assert "run.json: No such file" in capsys.readouterr().err
    run.write_text(json.dumps([block("off")]))
    assert command.main(words) == 1
    assert "4-mixed: mean size" in capsys.readouterr().out
    run.write_text(json.dumps([played(engine_of(PROFILE), "off", 3)]))
    assert command.main([*words, "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["phases"][0]["within"] is True
