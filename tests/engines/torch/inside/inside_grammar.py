"""Structured output: always valid, bypassed by default, and drafted within the grammar if allowed.

Covered: JSON schema, regular expression and Lark grammar; `Bypass` and `Allow` with the same text;
a draft that leaves the grammar is cut, not the answer; a wrong grammar is refused.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import pair
from pair import Knob, engine, finish, output

from tandem_runtime.contract.table import ALLOW, BYPASS
from tandem_runtime.engine.grammar import Grammar, GrammarCompiler, GrammarError
from tandem_runtime.engine.sequence import SamplingParams, Sequence
from tandem_runtime.plugin.depth.request_options import RequestOptions

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "count": {"type": "integer", "minimum": 0, "maximum": 999},
        "kind": {"enum": ["module", "class", "function"]},
    },
    "required": ["name", "count", "kind"],
    "additionalProperties": False,
}
COMPILER = GrammarCompiler(pair.PAIR / "target" / "tokenizer.json", 2048, [0])


def answer(
    grammar: Grammar | None, constrained_output: str, temperature: float = 0.0, seed: int = 0
) -> tuple[str, dict[str, Any]]:
    """What comes of one constrained request at K = 5, and the counters after it."""
    knob = Knob()
    knob.turn(5, constrained_output=constrained_output)
    made = engine("draft_model", knob)
    made.depth.begin(knob.plan)
    sequence = Sequence(
        "one",
        pair.prompts()[seed],
        SamplingParams(120, temperature=temperature, seed=seed, stop_ids=frozenset([0])),
        RequestOptions(constrained=True),
        grammar,
    )
    made.add(sequence)
    finish(made)
    return pair.tokenizer().decode(output(sequence)), made.depth.content()


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("mode", [BYPASS, ALLOW])
def test_json_is_of_its_schema(mode: str, temperature: float) -> None:
    for seed in range(3):
        text, page = answer(COMPILER.json_schema(SCHEMA), mode, temperature, seed)
        parsed = json.loads(text)
        assert set(parsed) == {"name", "count", "kind"}
        assert 0 <= parsed["count"] <= 999
        assert parsed["kind"] in SCHEMA["properties"]["kind"]["enum"]
        assert bool(page["draft_tokens"]) == (mode == ALLOW)
        assert page["bypassed"] == ({"constrained": 1} if mode == BYPASS else {})


def test_drafts_within_a_grammar_change_no_greedy_token() -> None:
    texts = {answer(COMPILER.json_schema(SCHEMA), mode, 0.0, seed=1)[0] for mode in (BYPASS, ALLOW)}

    assert len(texts) == 1


def test_a_regular_expression_matches_as_a_whole() -> None:
    pattern = r"[a-z]{3,9}-[0-9]{4}"

    assert re.fullmatch(pattern, answer(COMPILER.regex(pattern), ALLOW)[0])


def test_a_grammar_is_followed() -> None:
    text, _ = answer(
        COMPILER.lark('start: "sum = " NUMBER ("+" NUMBER)~2\nNUMBER: /[0-9]{1,3}/'), ALLOW
    )

    assert re.fullmatch(r"sum = [0-9]{1,3}(\+[0-9]{1,3}){2}", text)


def test_a_draft_is_cut_where_it_leaves_the_grammar_and_nothing_of_it_is_consumed() -> None:
    grammar = COMPILER.regex("ab*")
    encode = pair.tokenizer().encode
    a, b, c = (encode(letter).ids[0] for letter in "abc")

    assert grammar.allowed_prefix([a, b, c, b]) == [a, b]
    assert grammar.allowed_prefix([a, b, c, b]) == [a, b]


@pytest.mark.parametrize(
    "make",
    [
        lambda: COMPILER.json_schema({"type": "nothing known"}),
        lambda: COMPILER.regex("(unclosed"),
        lambda: COMPILER.lark("start: MISSING"),
    ],
)
def test_a_grammar_that_cannot_be_used_is_refused_with_its_reason(make: Any) -> None:
    with pytest.raises(GrammarError, match="cannot be used"):
        make()
