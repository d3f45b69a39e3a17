"""A start schedule on a vLLM that breaks with it; collected by the engine's own Python only."""

from __future__ import annotations

from typing import Any

import pytest
from vllm.config import SpeculativeConfig
from vllm.engine.arg_utils import EngineArgs

from tandem_runtime.vllm import start_schedule
from tests.engines.plugin.inside.bench import TARGET

SCHEDULE = [[1, 4, 3], [5, 7, 1], [8, 8, 0]]


def started(**changes: Any) -> Any:
    """The speculative configuration of an engine that is given a schedule."""
    config = EngineArgs(
        model=str(TARGET),
        dtype="float32",
        max_model_len=512,
        max_num_seqs=8,
        enforce_eager=True,
        speculative_config={
            "method": "ngram",
            "num_speculative_tokens": 7,
            "prompt_lookup_max": 3,
            "prompt_lookup_min": 1,
            "num_speculative_tokens_per_batch_size": SCHEDULE,
            **changes,
        },
    ).create_engine_config()
    return config.speculative_config


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SpeculativeConfig, "__init__", SpeculativeConfig.__init__)
    start_schedule.take_away((0, 31))


def test_a_vllm_that_takes_a_schedule_keeps_it() -> None:
    start_schedule.take_away((0, 32))
    start_schedule.take_away(None)

    config = started()
    assert len(config.num_speculative_tokens_per_batch_size) == 3
    assert config.num_speculative_tokens == 7


@pytest.mark.usefixtures("older")
def test_an_older_one_serves_the_schedules_first_k() -> None:
    config = started()

    assert config.num_speculative_tokens_per_batch_size is None
    assert config.num_speculative_tokens == 3


@pytest.mark.usefixtures("older")
def test_an_older_one_without_a_schedule_is_left_alone() -> None:
    config = started(num_speculative_tokens_per_batch_size=None)

    assert config.num_speculative_tokens == 7
