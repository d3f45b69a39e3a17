"""Shipped profiles follow the schema, and reproduce the figures that they cite."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from tandem_operator.simulation.world.profile import (
    ProfileError,
    engine_of,
    extended,
    read_profile,
)
from tandem_operator.tuning import Settings, initial_state, tune
from tandem_operator.tuning.step_time.profile import profile_context

ROOT = Path(__file__).parents[3]
PROFILES = sorted((ROOT / "operator/tandem_operator/profiles").glob("*.json"))
SCHEMA = json.loads((ROOT / "docs/profile.schema.json").read_text())


def tokens_per_s(name: str, batch: int, tokens: int, acceptance: float, context: int = 0) -> float:
    truth = read_profile(ROOT / f"operator/tandem_operator/profiles/{name}.json").truth
    gain = sum(acceptance**place for place in range(tokens + 1))
    step_s = truth.step_s(batch, batch * (tokens + 1), batch * context, tokens, 0)
    unused_s = 0.0 if tokens else truth.sync_s  # the published K=0 has no draft loaded
    return batch * gain / (step_s - unused_s)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_shipped_profiles_follow_the_schema(path: Path) -> None:
    jsonschema.validate(json.loads(path.read_text()), SCHEMA)
    engine = read_profile(path)
    assert engine.truth.step_s(1, 1, 800.0, 0, 0) > 0


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_start_profile_gives_the_best_table_before_any_window(path: Path) -> None:
    engine = read_profile(path)
    settings = Settings(
        max_tokens=engine.max_tokens,
        mixture_of_experts=engine.mixture_of_experts,
        profile=engine.document,
    )
    _, decision = tune(initial_state(settings), (), settings)
    curve = np.mean(list(engine.survival.values()), axis=0)
    gains = np.concatenate(([1.0], 1.0 + np.cumsum(curve)))
    context = profile_context(engine.document)
    for batch in (b for b in (1, 4, 16, 64, 128) if b <= engine.limits.max_running):
        tokens = next(k for start, top, k in decision.schedule if start <= batch <= top)
        costs = [
            engine.truth.step_s(batch, batch * (k + 1), context * batch, k, 0) / gains[k]
            for k in range(engine.max_tokens + 1)
        ]
        assert costs[tokens] <= 1.08 * min(costs)


@pytest.mark.parametrize(
    ("name", "batch", "tokens", "acceptance", "published", "within"),
    [
        ("llama-3.1-8b-h100-eagle3", 1, 0, 0.647, 133, 0.02),
        ("llama-3.1-8b-h100-eagle3", 1, 2, 0.647, 220, 0.04),
        ("dense-31b-fp8-h100nvl", 256, 3, 0.62, 2140, 0.25),
        ("qwen3-235b-a22b-sglang", 1, 5, 0.764, 199, 0.07),
        ("qwen3-235b-a22b-sglang", 64, 2, 0.764, 3693, 0.04),
        ("qwen3-235b-a22b-sglang", 64, 6, 0.764, 3054, 0.06),
    ],
)
def test_profiles_reproduce_the_published_figures(
    name: str, batch: int, tokens: int, acceptance: float, published: float, within: float
) -> None:
    assert tokens_per_s(name, batch, tokens, acceptance) == pytest.approx(published, rel=within)


def test_the_measured_profile_is_near_what_was_measured() -> None:
    path = ROOT / "operator/tandem_operator/profiles/tiny-pair-cpu.json"
    truth = read_profile(path).truth
    quiet = [
        one for one in json.loads(path.read_text())["step_samples"] if not one["prefill_tokens"]
    ]
    errors = [
        truth.step_s(
            one["batch"],
            one["batch"] * (one["tokens"] + 1),
            one["context_tokens"],
            one["tokens"],
            0,
        )
        / one["seconds"]
        - 1
        for one in quiet
    ]
    assert len(quiet) >= 20
    assert np.mean(np.abs(errors)) < 0.06


def test_deeper_positions_go_on_with_the_last_hazard() -> None:
    assert extended([0.8, 0.4], 4) == pytest.approx([0.8, 0.4, 0.2, 0.1])


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ({"survival": {"a": [0.5]}}, "step_time"),
        ({"step_time": {"base_s": 0.01}}, "survival"),
        ({"step_time": {"base_s": 0.01, "typo": 1}, "survival": {"a": [0.5]}}, "typo"),
        ({"step_time": {"base_s": 0.01}, "survival": {"a": [1.5]}}, "0 to 1"),
    ],
)
def test_what_cannot_be_simulated_is_named(document: dict[str, object], word: str) -> None:
    with pytest.raises(ProfileError, match=word):
        engine_of(document)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"step_time": {"base_s": "x"}}, "step_time.base_s is 'x'"),
        ({"step_time": {"base_s": 0.01, "token_s": float("nan")}}, "step_time.token_s"),
        ({"step_time": {"token_s": 0.01}}, "step_time.base_s is missing"),
        ({"roughness": {"noise": -1}}, "roughness.noise"),
        ({"roughness": []}, "roughness"),
        ({"max_tokens": 99}, "max_tokens is 99: give 0 to 32"),
        ({"max_running": 0.5}, "max_running"),
        ({"mixture_of_experts": [8, 64]}, "mixture_of_experts"),
        ({"survival": {"chat": 0.7}}, "survival.chat"),
        ({"survival": {"chat": [0.7, "x"]}}, "survival.chat"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(wrong: dict[str, Any], message: str) -> None:
    document = {"step_time": {"base_s": 0.01}, "survival": {"chat": [0.7]}} | wrong
    with pytest.raises(ProfileError, match=re.escape(message)):
        engine_of(document)
