"""Every public pair of real and hostile tokenizers gets the verdict that is written beside it."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tandem_runtime.contract.request import ANY_METHOD, LockRequest, SourceRequest
from tandem_runtime.lock.files import folder
from tandem_runtime.lock.verdict import evaluate
from tandem_runtime.lock.verdict import inspect as inspect_side
from tandem_runtime.lock.verdict.evaluate import Seen
from tandem_runtime.lock.verdict.inspect import Side

CHECKOUT = Path(__file__).resolve().parents[3]


def corpus() -> Path:
    shared = os.environ.get("TANDEM_SHARED")
    return Path(shared or CHECKOUT.parent / "shared") / "data" / "tokenizers"


def cases() -> list[dict[str, Any]]:
    path = corpus() / "cases.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


@cache
def seen(name: str) -> Side:
    return inspect_side.at(folder.at(corpus() / name))


def test_the_corpus_is_there() -> None:
    if not cases():
        pytest.skip(f"no cases in {corpus()}; set TANDEM_SHARED to the folder that holds data/")
    assert len(cases()) >= 41


@pytest.mark.parametrize("case", cases(), ids=lambda case: str(case["case"]))
def test_a_public_case(case: dict[str, Any]) -> None:
    asked = LockRequest(
        ANY_METHOD,
        "SameVocabulary",
        SourceRequest(case["target"], name=case.get("target_ref")),
        SourceRequest(case["draft"]),
    )
    report = evaluate.evaluate(
        asked,
        Seen(seen(case["target"]), case["target"]),
        Seen(seen(case["draft"]), case["draft"]),
    )
    assert (report.verdict, report.reason) == (case["verdict"], case["reason"])
    if case["first_difference"] is not None:
        ids = [each.id for each in report.first_differences]
        assert ids[: len(case["first_difference"])] == case["first_difference"]
