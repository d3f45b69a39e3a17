"""The depths that vLLM is started with: tiers, all of them named, or one where K cannot change."""

from __future__ import annotations

import pytest

from tandem_runtime.contract.model_facts import UNKNOWN, ModelFacts
from tests.unit.engines import builders
from tests.unit.engines.builders import env, rendered, speculative

SMALL_ENGINES: dict[str, tuple[builders.Object, int]] = {
    "told": ({"engine.args": ["--max-num-seqs=32"]}, 32),
    "told in a shorter spelling": ({"engine.args": ["--max_num_se", "32"]}, 32),
    "told by a variable": (
        {"engine.args": ["--max-num-seqs=$(N)"], "engine.env": [{"name": "N", "value": "32"}]},
        32,
    ),
    "cut to the tokens of a step": ({"engine.args": ["--max-num-batched-tokens=64"]}, 64),
    "a CPU": ({"accelerator.resource": "None"}, 128),
    "any GPU": ({}, 256),
    "told to be larger": ({"engine.args": ["--max-num-seqs=2048"]}, 2048),
}


@pytest.mark.parametrize(("changes", "least"), SMALL_ENGINES.values(), ids=SMALL_ENGINES)
def test_every_depth_is_named_below_the_fewest_requests_that_the_engine_may_take(
    changes: builders.Object, least: int
) -> None:
    schedule = speculative(rendered(changes))["num_speculative_tokens_per_batch_size"]

    assert {tokens for first, _, tokens in schedule if first <= least} == {0, 1, 3, 7}
    assert schedule[-1] == [least, max(least, 1024), 0]


def test_k_0_is_named_up_to_the_largest_default_so_that_no_batch_is_without_a_depth() -> None:
    *_, last = speculative(rendered())["num_speculative_tokens_per_batch_size"]

    assert last[1] == 1024


@pytest.mark.parametrize(
    ("tokens", "started"), [(1, 1), (2, 1), (5, 3), (7, 7), (14, 7), (15, 15), (32, 15)]
)
def test_the_engine_makes_room_for_the_deepest_tier_alone(tokens: int, started: int) -> None:
    parts = rendered({"speculation.maxTokens": tokens})

    assert speculative(parts)["num_speculative_tokens"] == started
    assert parts.tiers[-1] == started
    assert env(parts)["TANDEM_MAX_TOKENS"] == str(started)


@pytest.mark.parametrize(("initial", "begun"), [(0, 0), (2, 1), (3, 3), (6, 3)])
def test_the_initial_depth_is_taken_down_to_a_tier(initial: int, begun: int) -> None:
    first, *_ = speculative(rendered({"speculation.initialTokens": initial}))[
        "num_speculative_tokens_per_batch_size"
    ]

    assert first[2] == begun


@pytest.mark.parametrize(
    ("modules", "tokens", "tiers", "started"),
    [
        (1, 7, (0, 1, 3, 7), 7),
        (2, 7, (0, 1, 3), 4),
        (2, 8, (0, 1, 3, 7), 8),
        (2, 3, (0, 1), 1),
        (3, 7, (0, 1, 3), 3),
        (4, 3, (0, 1, 3), 3),
    ],
)
def test_with_several_mtp_modules_the_engine_starts_with_a_multiple_of_them(
    modules: int, tokens: int, tiers: tuple[int, ...], started: int
) -> None:
    facts = ModelFacts(mtp_layers=modules)
    parts = rendered({"speculation.method": "MTP", "speculation.maxTokens": tokens}, facts=facts)

    assert parts.tiers == tiers
    assert speculative(parts)["num_speculative_tokens"] == started
    assert started % modules == 0 or started < modules


def test_the_largest_graph_holds_64_requests_of_the_deepest_tier() -> None:
    assert (
        "--max-cudagraph-capture-size=1024"
        in (rendered({"speculation.maxTokens": 15}).leader.container["args"])
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"speculation.maxTokens": 7},
        {"speculation.maxTokens": 15, "engine.args": ["--enforce-eager"]},
        {"speculation.maxTokens": 15, "engine.args": ["--cudagraph-capture-sizes", "1", "2"]},
        {"speculation.maxTokens": 15, "engine.args": ["-cc.cudagraph_mode=NONE"]},
        {"speculation.maxTokens": 15, "engine.modelRunner": "V1"},
        {"speculation.maxTokens": 15, "parallelism.data": 2},
        {"speculation.maxTokens": 15, "accelerator.resource": "None"},
    ],
)
def test_no_graph_is_asked_for_that_vllm_makes_anyway_or_the_user_chose_otherwise(
    changes: builders.Object,
) -> None:
    words = rendered(changes).leader.container["args"]

    assert not any(word.startswith("--max-cudagraph") for word in words)


FIXED = {
    "an older vLLM": ({"engine.image": "vllm/vllm-openai:v0.31.0"}, UNKNOWN),
    "a pipeline": ({"parallelism.pipeline": 2}, UNKNOWN),
    "Mamba layers": ({}, ModelFacts(hybrid=True, model_type="bamba")),
    "adaptive verification": (
        {
            "speculation.method": "DSpark",
            "speculation.engineConfig": {"enable_adaptive_verification": True},
        },
        UNKNOWN,
    ),
}


@pytest.mark.parametrize(("changes", "facts"), FIXED.values(), ids=FIXED)
def test_an_engine_on_which_k_cannot_change_gets_one_depth_and_no_schedule(
    changes: builders.Object, facts: ModelFacts
) -> None:
    parts = rendered({**changes, "speculation.maxTokens": 5}, facts=facts)

    assert "num_speculative_tokens_per_batch_size" not in speculative(parts)
    assert speculative(parts)["num_speculative_tokens"] == 5
    assert parts.tiers == (5,)


@pytest.mark.parametrize("model_type", ["qwen3_next", "qwen3_5_moe_text", "kimi_linear"])
def test_a_hybrid_whose_state_takes_any_length_keeps_its_live_k(model_type: str) -> None:
    parts = rendered(facts=ModelFacts(hybrid=True, model_type=model_type))

    assert parts.tiers == (0, 1, 3, 7)


def test_the_layers_of_a_target_are_nothing_to_a_method_that_does_not_run_them() -> None:
    parts = rendered({"speculation.method": "NGram"}, facts=ModelFacts(mtp_layers=2))

    assert parts.tiers == (0, 1, 3, 7)
    assert speculative(parts)["num_speculative_tokens"] == 7
