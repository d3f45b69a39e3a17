"""Targets that are refused to EAGLE-3's heads are those whose class vLLM says cannot take them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tandem_operator.engines.vllm.facts.inner_states import WITHOUT

WITH = ("LlamaForCausalLM", "Qwen3ForCausalLM", "Qwen3MoeForCausalLM", "GptOssForCausalLM")


def test_vllm_s_own_classes_say_so(in_engine: Callable[..., str], tmp_path: Path) -> None:
    asked = tmp_path / "asked.json"
    asked.write_text(json.dumps([*sorted(WITHOUT), *WITH]))
    printed = in_engine(Path(__file__).with_name("inner_states.py"), str(asked))
    answers = json.loads(printed.strip().splitlines()[-1])
    assert answers == [False] * len(WITHOUT) + [True] * len(WITH)
