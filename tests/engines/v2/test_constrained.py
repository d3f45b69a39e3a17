"""Structured output with speculation: text and grammar are those without it, in both runners.

Every second request is constrained, and all of them speculate at a K that changes at every step.
What is compared with is V1 without speculation, under the same constraint.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from tests.engines.v2 import oracles
from tests.engines.v2.engine import DEEPEST, PAIR, engine, run, speculative

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "kind": {"enum": ["module", "class", "function"]},
        "lines": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
    },
    "required": ["name", "kind", "lines"],
    "additionalProperties": False,
}
REGEX = "(?:[a-z]{2,9} ){4,7}end"
NEAR = "[a-z_ .,()=:\\n]*#{9}"
"""Near to what the pair writes anyway, and without an end: its drafts are taken."""
CHOICE = ["the first of them", "the second of them", "none"]
CONSTRAINTS: list[dict[str, Any]] = [
    {"json": SCHEMA},
    {"regex": NEAR},
    {"regex": REGEX},
    {"choice": CHOICE},
    {"regex": NEAR},
]
REQUESTS = 10
TOKENS = 40
ALL = list(range(DEEPEST + 1))
PHASE = {
    "name": "allowed", "depths": ALL, "requests": REQUESTS, "tokens": TOKENS, "policy": "Allow",
    "constrained": True, "remainder": 0, "constraints": CONSTRAINTS, "seed": 5,
}  # fmt: skip
REASONING = Path(__file__).parent / "inside" / "reasoning.py"
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {"structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True}},
    "reasoning": {
        "structured_outputs_config": {
            "backend": "xgrammar",
            "disable_any_whitespace": True,
            "reasoning_parser": "first_line",
            "reasoning_parser_plugin": str(REASONING),
        }
    },
}
FAULT = "the_mask_begins_behind_the_drafts"
ENDS = ("Ċ", ",", ".", "Ġthe", ":")
"""The same as in `inside/reasoning.py`, which only the engine's own Python can import."""
RUNNERS = ("v1", "v2", "v2-async")
METHODS = ("draft_model",)
every = pytest.mark.parametrize(
    ("runner", "method", "kind"),
    [(runner, method, kind) for runner in RUNNERS for method in METHODS for kind in OPTIONS],
)

Reports = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def played(vllm_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """The phase of every engine, by runner and by method and kind."""

    def engines(methods: tuple[str, ...], asynchronous: bool) -> dict[str, Any]:
        return {
            f"{method}, {kind}": engine(
                speculative(method), [PHASE], asynchronous, options=OPTIONS[kind]
            )
            for method in methods
            for kind in OPTIONS
        }

    faulty = engine(speculative("draft_model"), [PHASE], fault=FAULT, options=OPTIONS["reasoning"])
    runs = {
        "v1": (False, {**engines(("none", *METHODS), False), FAULT: faulty}),
        "v2": (True, engines(METHODS, False)),
        "v2-async": (True, engines(METHODS, True)),
    }
    folder = tmp_path_factory.mktemp("constrained")
    with ThreadPoolExecutor(2) as pool:
        began = {
            name: pool.submit(run, vllm_environment, folder / name, second, those)
            for name, (second, those) in runs.items()
        }
        reports = {name: one.result() for name, one in began.items()}
    return {
        runner: {name: report["phases"]["allowed"] for name, report in result.items()}
        for runner, result in reports.items()
    }


def drafts_of_constrained(phase: dict[str, Any]) -> tuple[int, int]:
    """Drafts of constrained requests that were verified, and that were accepted."""
    verified = accepted = 0
    for step in phase["steps"]:
        for name in step["constrained"]:
            count = step["verified"].get(name, 0)
            verified += count
            accepted += max(0, step["sampled"].get(name, 1) - 1) if count else 0
    return verified, accepted


@every
def test_the_text_is_that_without_speculation(
    played: Reports, runner: str, method: str, kind: str
) -> None:
    phase = played[runner][f"{method}, {kind}"]

    assert oracles.other_texts(phase, played["v1"][f"none, {kind}"]) == []


def test_a_mask_that_begins_too_late_shows_in_the_text(played: Reports) -> None:
    """The fault that vLLM had: planted, the comparison above notices it."""
    faulty, reference = (played["v1"][name] for name in (FAULT, "none, reasoning"))

    assert oracles.other_texts(faulty, reference) != []


@every
def test_constrained_requests_are_really_drafted_for(
    played: Reports, runner: str, method: str, kind: str
) -> None:
    verified, accepted = drafts_of_constrained(played[runner][f"{method}, {kind}"])

    assert verified > 20
    assert accepted > 10


def test_the_reference_keeps_to_its_constraints(played: Reports) -> None:
    """Without it equal texts could be equally wrong."""
    tokenizer = Tokenizer.from_file(str(PAIR / "target" / "tokenizer.json"))
    tokens = played["v1"]["none, plain"]["tokens"]
    texts = [tokenizer.decode(one, skip_special_tokens=True) for one in tokens[0::2]]
    assert len(texts) == len(CONSTRAINTS)
    for constraint, text in zip(CONSTRAINTS, texts, strict=True):
        # What follows a finished grammar is free: the requests ignore their end.
        if "json" in constraint:
            document, _ = json.JSONDecoder().raw_decode(text)
            assert set(document) == {"name", "kind", "lines"}
        elif "choice" in constraint:
            assert text.startswith(tuple(CHOICE))
        elif constraint["regex"] == NEAR:
            assert re.fullmatch("[a-z_ .,()=:\\n]*(#{9}.*)?", text, re.DOTALL)
        else:
            assert re.match(REGEX, text)


def test_reasoning_ends_among_drafts(played: Reports) -> None:
    """The scenario has what it is for: steps that take drafts on both sides of the border."""
    tokenizer = Tokenizer.from_file(str(PAIR / "target" / "tokenizer.json"))
    ends = {tokenizer.token_to_id(end) for end in ENDS}
    phase = played["v2-async"]["draft_model, reasoning"]
    crossed = 0
    for name in {name for step in phase["steps"] for name in step["constrained"]}:
        tokens = phase["tokens"][int(name.split("-")[0])]
        border = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
        place = 0
        for step in phase["steps"]:
            count = step["sampled"].get(name, 0)
            crossed += place <= border < place + count - 1
            place += count
    assert crossed > 0
