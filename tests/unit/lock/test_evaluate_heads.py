"""Heads: which target they were made for, their dimensions, and trimmed vocabularies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tandem_runtime.contract.request import Attestation
from tests.unit.lock import builders
from tests.unit.lock.bench import Bench, verdict
from tests.unit.lock.heads import head, tables


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


HEAD = {"method": "Eagle3", "policy": "TargetDeclared"}


@pytest.mark.parametrize("name", ["acme/chat", "hf://acme/chat", "Acme/Chat", "chat"])
def test_a_head_that_declares_this_target(bench: Bench, name: str) -> None:
    declared = head(speculators_config={"verifier": {"name_or_path": name}})
    report = bench.evaluate(builders.files(), declared, **HEAD)
    assert verdict(report) == ("Compatible", "DeclaredTarget")
    assert report.allowed
    assert not report.attested


def test_a_head_of_another_target(bench: Bench) -> None:
    declared = head(speculators_config={"verifier": {"name_or_path": "acme/other"}})
    report = bench.evaluate(builders.files(), declared, **HEAD)
    assert verdict(report) == ("Incompatible", "DeclaredTargetDiffers")
    assert "acme/other" in report.message


def test_a_head_with_a_tokenizer_of_its_own_is_still_asked_for_its_target(bench: Bench) -> None:
    same = {name: builders.files()[name] for name in ("tokenizer.json", "tokenizer_config.json")}
    other = head(speculators_config={"verifier": {"name_or_path": "acme/other"}})
    report = bench.evaluate(builders.files(), same | other, **HEAD)
    assert verdict(report) == ("Incompatible", "DeclaredTargetDiffers")


def test_a_revision_counts_only_where_it_is_declared(bench: Bench) -> None:
    declared = head(
        speculators_config={"verifier": {"name_or_path": "acme/chat", "revision": "0b" * 20}}
    )
    assert verdict(bench.evaluate(builders.files(), declared, **HEAD))[1] == "DeclaredTargetDiffers"


def test_the_user_may_attest_what_a_head_does_not_declare(bench: Bench) -> None:
    silent = head(speculators_config=None)
    report = bench.evaluate(builders.files(), silent, **HEAD)
    assert verdict(report) == ("Unknown", "NoTokenizer")
    assert not report.allowed
    attested = Attestation("hf://acme/chat")
    report = bench.evaluate(builders.files(), silent, attested_target=attested, **HEAD)
    assert verdict(report) == ("Compatible", "DeclaredTarget")
    assert report.attested


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"hidden_size": 16}, "hidden size 16"),
        ({"vocab_size": 32}, "target vocabulary of 32"),
        ({"draft_vocab_size": 17}, "draft_vocab_size 17"),
        ({"draft_vocab_size": 0}, "draft_vocab_size"),
        ({"eagle_aux_hidden_state_layer_ids": [0, 3]}, "layer 3"),
    ],
)
def test_a_head_whose_dimensions_do_not_fit(
    bench: Bench, changes: dict[str, Any], expected: str
) -> None:
    report = bench.evaluate(builders.files(), head(**changes), **HEAD)
    assert verdict(report) == ("Incompatible", "DeclaredTargetDiffers")
    assert expected in report.message


def test_a_trimmed_draft_vocabulary_is_no_mismatch(bench: Bench) -> None:
    assert bench.evaluate(builders.files(), head(draft_vocab_size=4), **HEAD).allowed


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (tables([0, 2, 5, 15]), None),
        (tables([0, 2, 5]), "d2t has 3 entries"),
        (tables([0, 2, 5, 16], rows=17), "outside"),
        (tables([0, 2, 2, 5]), "two draft ids"),
        (tables([0, 1, 2, 3], rows=20), "t2d has 20 entries"),
    ],
)
def test_the_tables_of_a_trimmed_vocabulary(
    bench: Bench, weights: bytes, expected: str | None
) -> None:
    trimmed = head(draft_vocab_size=4) | {"model.safetensors": weights}
    report = bench.evaluate(builders.files(), trimmed, **HEAD)
    assert report.allowed is (expected is None)
    assert expected is None or expected in report.message
