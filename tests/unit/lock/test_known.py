"""A tokenizer is read once for all sides that have the same of everything that decides it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tandem_runtime.lock import folder, look
from tandem_runtime.lock.choose import Known
from tandem_runtime.lock.look import Side
from tests.unit.lock import builders


class Shelf:
    """Folders that are looked at one after another, as the sides of one pair are."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: Known = {}
        self._count = 0

    def look(self, **others: dict[str, Any] | bytes) -> Side:
        """A new model with some of its files changed."""
        self._count += 1
        held = builders.files(None, **others)
        place = builders.write(self._path / str(self._count), held)
        found = look.at(folder.at(place), known=self._known)
        assert found.refused is None
        return found


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_the_same_file_is_read_once(shelf: Shelf) -> None:
    one = shelf.look()
    two = shelf.look(config__json=builders.config(vocab_size=32))
    assert one.tokenizer is two.tokenizer
    assert two.model.vocab_size == 32


def test_other_bytes_are_another_tokenizer(shelf: Shelf) -> None:
    one = shelf.look()
    two = shelf.look(tokenizer__json=json.dumps(builders.tokenizer(), indent=3).encode())
    assert one.tokenizer is not two.tokenizer
    assert one.fingerprint == two.fingerprint


def test_tokens_of_another_file_make_another_tokenizer(shelf: Shelf) -> None:
    one = shelf.look()
    added = {"13": {"content": "<extra>", "special": True}}
    two = shelf.look(tokenizer_config__json={"added_tokens_decoder": added})
    assert one.tokenizer is not None
    assert two.tokenizer is not None
    assert two.tokenizer.pieces["<extra>"] == 13
    assert "<extra>" not in one.tokenizer.pieces


def test_other_special_ids_are_seen_beside_a_known_tokenizer(shelf: Shelf) -> None:
    one = shelf.look()
    two = shelf.look(tokenizer_config__json={"eos_token": "a"})
    assert one.tokenizer is two.tokenizer
    assert one.specials["eos"] != two.specials["eos"]
    assert one.fingerprint != two.fingerprint
