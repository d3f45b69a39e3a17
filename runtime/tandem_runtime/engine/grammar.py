"""Structured output: which tokens a JSON schema, a regular expression or a grammar allows next.

llguidance does the parsing. A draft is checked against the grammar before it is verified, and what
the check consumed is rolled back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from llguidance import LLMatcher, LLTokenizer


class GrammarError(ValueError):
    """The schema, expression or grammar of a request cannot be used; the message says why."""


class GrammarCompiler:
    """Makes grammars over one tokenizer."""

    def __init__(self, tokenizer_file: Path, vocab_size: int, eos_ids: Sequence[int]) -> None:
        self._tokenizer = LLTokenizer(
            str(tokenizer_file), n_vocab=vocab_size, eos_token=list(eos_ids) or None
        )

    def json_schema(self, schema: dict[str, Any]) -> Grammar:
        """JSON of this schema without free whitespace. Raises GrammarError."""
        try:
            text = LLMatcher.grammar_from_json_schema(
                json.dumps(schema), overrides={"whitespace_flexible": False}
            )
        except ValueError as error:
            raise GrammarError(f"the JSON schema cannot be used: {error}") from error
        return self._made(text)

    def regex(self, pattern: str) -> Grammar:
        """Text that matches the expression as a whole. Raises GrammarError."""
        return self._made(LLMatcher.grammar_from_regex(pattern))

    def lark(self, grammar: str) -> Grammar:
        """Text of a grammar in Lark's notation. Raises GrammarError."""
        return self._made(LLMatcher.grammar_from_lark(grammar))

    def _made(self, text: str) -> Grammar:
        matcher = LLMatcher(self._tokenizer, text, log_level=0)
        if matcher.is_error():
            raise GrammarError(f"the grammar cannot be used: {matcher.get_error()[:400]}")
        return Grammar(matcher, self._tokenizer.vocab_size)


class Grammar:
    """Where one request stands in its grammar."""

    def __init__(self, matcher: Any, vocab_size: int) -> None:
        self._matcher = matcher
        self._vocab_size = vocab_size

    def allowed_prefix(self, draft: list[int]) -> list[int]:
        """As many of the drafted tokens as the grammar takes."""
        return draft[: self._matcher.validate_tokens(draft)]

    def mask(self, logits: torch.Tensor, draft: list[int]) -> None:
        """Rule out, in place, what the grammar forbids after each prefix of an allowed draft.

        `logits` is (len(draft) + 1, vocabulary).
        """
        consumed = 0
        for row in range(len(draft) + 1):
            logits[row].masked_fill_(~self._allowed().to(logits.device), -torch.inf)
            if row < len(draft):
                self._matcher.consume_token(draft[row])
                consumed += 1
                if self._matcher.is_stopped():
                    break  # Nothing comes after the end, and to ask what may is an error.
        self._matcher.rollback(consumed)

    def advance(self, token: int) -> None:
        """The request was given this token."""
        self._matcher.consume_token(token)

    @property
    def ended(self) -> bool:
        """Whether nothing more may come."""
        return bool(self._matcher.is_stopped())

    def _allowed(self) -> torch.Tensor:
        """(vocabulary,), true where a token may come next."""
        words = torch.frombuffer(bytearray(self._matcher.compute_bitmask()), dtype=torch.uint8)
        bits = words.unsqueeze(1) >> torch.arange(8, dtype=torch.uint8) & 1
        return bits.flatten()[: self._vocab_size].bool()
