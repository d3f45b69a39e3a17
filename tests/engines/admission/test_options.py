"""Options, variables and values by which a spec is judged are those of vLLM itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tandem_operator.engines import vllm
from tandem_operator.engines.vllm.facts import values

REPOSITORY = Path(__file__).resolve().parents[3]


def test_the_table_is_what_the_parser_has(in_engine: Callable[..., str]) -> None:
    printed = in_engine(REPOSITORY / "hack" / "vllm" / "options.py")
    text = (Path(vllm.__file__).parent / "facts" / "options.json").read_text()
    assert json.loads(text) == json.loads(printed[printed.index("[\n") :])


def test_the_variables_are_what_vllm_reads(in_engine: Callable[..., str]) -> None:
    printed = in_engine(REPOSITORY / "hack" / "vllm" / "variables.py")
    text = (Path(vllm.__file__).parent / "facts" / "variables.json").read_text()
    assert json.loads(text) == json.loads(printed[printed.index("[\n") :])


def test_names_are_what_vllm_chooses_among(in_engine: Callable[..., str]) -> None:
    printed = in_engine(Path(__file__).with_name("names.py"))
    names = {name: set(each) for name, each in json.loads(printed.splitlines()[-1]).items()}
    assert names == {
        "attention": values.ATTENTION_BACKENDS,
        "cache": values.CACHE_TYPES,
        "moe": values.MOE_BACKENDS,
        "reasoning": values.REASONING_PARSERS,
        "tools": values.TOOL_PARSERS,
        "float16": values.WITHOUT_FLOAT16,
    }
