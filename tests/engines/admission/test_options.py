"""The options by which a command line is judged are those of vLLM's own parser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tandem_operator.engines import vllm

REPOSITORY = Path(__file__).resolve().parents[3]


def test_the_table_is_what_the_parser_has(in_engine: Callable[..., str]) -> None:
    printed = in_engine(REPOSITORY / "hack" / "vllm" / "options.py")
    text = (Path(vllm.__file__).parent / "facts" / "options.json").read_text()
    assert json.loads(text) == json.loads(printed[printed.index("[\n") :])
