"""A parser of reasoning for a pair that has no words for it: the first line is the reasoning.

vLLM loads it by its path (`reasoning_parser_plugin`). Only where the reasoning ends matters here:
the constraint begins behind that token, which drafts may hold anywhere among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vllm.reasoning import ReasoningParserManager
from vllm.reasoning.basic_parsers import BaseThinkingReasoningParser

ENDS = ("Ċ", ",", ".", "Ġthe", ":")
"""Tokens of which the tiny pair soon writes one."""


@ReasoningParserManager.register_module("first_line")
class FirstLine(BaseThinkingReasoningParser):
    """Reasoning ends with the first of `ENDS` that is generated."""

    start_token = "<|endoftext|>"
    end_token = "Ċ"

    def is_reasoning_end(self, input_ids: Sequence[int]) -> bool:
        """A prompt never ends it, whatever it holds."""
        return False

    def is_reasoning_end_streaming(
        self, input_ids: Sequence[int], delta_ids: Iterable[int]
    ) -> bool:
        return any(self.vocab[end] in delta_ids for end in ENDS)
