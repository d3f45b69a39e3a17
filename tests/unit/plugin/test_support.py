"""What the plugin makes of the vLLM that it finds: its mode, and a schedule that would break it."""

from types import SimpleNamespace
from typing import Any

import pytest

from tandem_runtime.vllm.start_schedule import fixed
from tandem_runtime.vllm.support import Support, support_of, version_of


def scheduler(**changes: Any) -> Any:
    """The least that looks like vLLM's scheduler."""
    config = SimpleNamespace(
        speculative_config=SimpleNamespace(
            method=changes.pop("method", "draft_model"),
            parallel_drafting=changes.pop("parallel", False),
            enable_adaptive_verification=changes.pop("adaptive", False),
            draft_model_config=SimpleNamespace(
                hf_config=SimpleNamespace(num_nextn_predict_layers=changes.pop("heads", None))
            ),
        ),
        parallel_config=SimpleNamespace(
            pipeline_parallel_size=changes.pop("pipeline", 1),
            data_parallel_size=changes.pop("data", 1),
        ),
        model_config=SimpleNamespace(
            is_moe=changes.pop("mixture", False),
            is_hybrid=changes.pop("hybrid", False),
            hf_text_config=SimpleNamespace(model_type=changes.pop("model_type", "llama")),
        ),
    )
    parts: dict[str, Any] = {
        "requests": {}, "running": [], "waiting": [], "num_spec_tokens": 3,
        "vllm_config": config, "dynamic_sd_lookup": None, "add_request": 1, "schedule": 1,
        "update_from_output": 1, "_update_after_schedule": 1, "use_v2_model_runner": False,
    }  # fmt: skip
    return SimpleNamespace(**{**parts, **changes})


def support(version: tuple[int, int] | None = (0, 32), **changes: Any) -> Support:
    return support_of(scheduler(**changes), version, follows=False)


SECOND = {"use_v2_model_runner": True}


@pytest.mark.parametrize(
    ("changes", "mode", "reason", "by_step"),
    [
        ({}, "lookup", "", True),
        ({"num_spec_tokens": 0}, "observe", "NoSpeculation", False),
        ({"pipeline": 2}, "observe", "the stages of a pipeline", False),
        ({"data": 2}, "lookup", "", True),
        ({"data": 2, "mixture": True}, "observe", "data-parallel ranks", False),
        ({"method": "suffix"}, "trim", "the drafter takes the deepest K only", False),
        ({"method": "ngram_gpu"}, "trim", "the drafter takes the deepest K only", False),
        ({"parallel": True}, "observe", "parallel drafting", False),
        ({"hybrid": True, "model_type": "bamba"}, "observe", "Mamba layers", False),
        ({"hybrid": True, "model_type": "qwen3_next"}, "lookup", "", True),
        ({**SECOND}, "trim", "the drafter runs all its passes", True),
        ({**SECOND, "method": "eagle3"}, "lookup", "", True),
        ({**SECOND, "method": "ngram_gpu"}, "lookup", "", True),
        ({**SECOND, "method": "mtp"}, "lookup", "", True),
        ({**SECOND, "method": "mtp", "heads": 2}, "trim", "the drafter runs all its passes", True),
        ({**SECOND, "method": "dspark", "adaptive": True}, "observe", "adaptive verif", False),
        (
            {**SECOND, "method": "extract_hidden_states"},
            "observe",
            "this vLLM has no method",
            False,
        ),
    ],
)
def test_the_mode_is_what_the_engine_allows(
    changes: dict[str, Any], mode: str, reason: str, by_step: bool
) -> None:
    supported = support(**changes)

    assert (supported.mode, supported.by_step) == (mode, by_step)
    assert supported.reason.startswith(reason)
    assert bool(supported.reason) == (mode != "lookup")
    assert supported.acts == (mode != "observe")


def test_a_drafter_that_follows_k_is_looked_up_and_one_of_many_modules_never_follows() -> None:
    followed = support_of(scheduler(**SECOND), (0, 32), follows=True)
    modules = support_of(scheduler(**SECOND, method="mtp", heads=3), (0, 32), follows=True)

    assert (followed.mode, followed.reason) == ("lookup", "")
    assert modules.mode == "trim"


@pytest.mark.parametrize("method", ["draft_model", "eagle", "ngram", "suffix"])
@pytest.mark.parametrize("second", [False, True])
def test_an_older_vllm_keeps_the_k_that_it_was_started_with(method: str, second: bool) -> None:
    older = support((0, 31), method=method, use_v2_model_runner=second)

    assert (older.mode, older.reason) == ("observe", "vLLM 0.31 is older than 0.32")


def test_a_scheduler_that_knows_no_depth_of_a_step_is_only_observed() -> None:
    other = scheduler()
    del other.dynamic_sd_lookup

    supported = support_of(other, (0, 33), follows=False)
    assert (supported.mode, supported.reason) == (
        "observe",
        "UnknownScheduler: no dynamic_sd_lookup",
    )


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("0.32.0+cpu", (0, 32)), ("0.33.1rc2.dev7+g0123456", (0, 33)), ("1.2", (1, 2)),
        ("dev", None), ("", None),
    ],
)  # fmt: skip
def test_a_version_is_its_first_two_numbers(text: str, version: tuple[int, int] | None) -> None:
    assert version_of(text) == version


def test_without_its_schedule_an_engine_drafts_what_that_said_of_the_smallest_batch() -> None:
    schedule = [[1, 4, 3], [5, 256, 0]]
    given = {"method": "eagle", "num_speculative_tokens": 7}

    assert fixed({**given, "num_speculative_tokens_per_batch_size": schedule}) == {
        "method": "eagle", "num_speculative_tokens": 3,
    }  # fmt: skip
    off = [[1, 256, 0]]
    assert fixed({**given, "num_speculative_tokens_per_batch_size": off}) == given
    assert fixed(given) is given
