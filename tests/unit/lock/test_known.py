"""A tokenizer is read once for all sides that have the same of everything that decides it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_runtime.lock.files import folder
from tandem_runtime.lock.formats.detect_format import Known
from tandem_runtime.lock.verdict import inspect as inspect_side
from tandem_runtime.lock.verdict.inspect import Side
from tests.unit.lock import builders


class Shelf:
    """Folders that are inspected one after another, as the sides of one pair are."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: Known = {}
        self._count = 0

    def inspect(self, **others: dict[str, Any] | bytes) -> Side:
        """A new model with some of its files changed."""
        self._count += 1
        files = builders.files(None, **others)
        place = builders.write(self._path / str(self._count), files)
        inspected = inspect_side.at(folder.at(place), known=self._known)
        assert inspected.refused is None
        return inspected


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_the_same_file_is_read_once(shelf: Shelf) -> None:
    one = shelf.inspect()
    two = shelf.inspect(config__json=builders.config(vocab_size=32))
    assert one.tokenizer is two.tokenizer
    assert two.model.vocab_size == 32


def test_other_bytes_are_another_tokenizer(shelf: Shelf) -> None:
    one = shelf.inspect()
    two = shelf.inspect(tokenizer__json=json.dumps(builders.tokenizer(), indent=3).encode())
    assert one.tokenizer is not two.tokenizer
    assert one.fingerprint == two.fingerprint


def test_tokens_of_another_file_make_another_tokenizer(shelf: Shelf) -> None:
    one = shelf.inspect()
    added = {"13": {"content": "<extra>", "special": True}}
    two = shelf.inspect(tokenizer_config__json={"added_tokens_decoder": added})
    assert one.tokenizer is not None
    assert two.tokenizer is not None
    assert two.tokenizer.pieces["<extra>"] == 13
    assert "<extra>" not in one.tokenizer.pieces


def test_other_special_ids_are_seen_beside_a_known_tokenizer(shelf: Shelf) -> None:
    one = shelf.inspect()
    two = shelf.inspect(tokenizer_config__json={"eos_token": "a"})
    assert one.tokenizer is two.tokenizer
    assert one.special_tokens["eos"] != two.special_tokens["eos"]
    assert one.fingerprint != two.fingerprint


@given(
    order=st.permutations(["Ġ", *builders.WORDS]),
    more=st.lists(st.sampled_from(["x", "y", "z"]), unique=True),
)
def test_merges_of_a_known_text_mean_what_reading_them_again_would(
    tmp_path_factory: pytest.TempPathFactory, order: list[str], more: list[str]
) -> None:
    """Whatever ids the other side gives its pieces, the text of the merges is the same."""
    place = tmp_path_factory.mktemp("merges")
    target = builders.write(place / "target", builders.files())
    document = builders.tokenizer()
    document["model"]["vocab"] = {text: index for index, text in enumerate([*order, *more])}
    document["added_tokens"] = [builders.added(30, "<|end|>")]
    draft = builders.write(place / "draft", builders.files(document))
    known: Known = {}
    inspect_side.at(folder.at(target), known=known)
    beside = inspect_side.at(folder.at(draft), known=known)
    alone = inspect_side.at(folder.at(draft))
    assert beside.refused is None
    assert beside.fingerprint == alone.fingerprint


def test_merges_of_a_known_text_are_refused_where_a_piece_is_missing(tmp_path: Path) -> None:
    target = builders.write(tmp_path / "target", builders.files())
    document = builders.tokenizer()
    del document["model"]["vocab"]["ab"]
    draft = builders.write(tmp_path / "draft", builders.files(document))
    known: Known = {}
    inspect_side.at(folder.at(target), known=known)
    refused = inspect_side.at(folder.at(draft), known=known).refused
    assert refused is not None
    assert str(refused) == str(inspect_side.at(folder.at(draft)).refused)
