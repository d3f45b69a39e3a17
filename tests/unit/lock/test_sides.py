"""What one model's folder tells, and what a verdict names of two."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from tandem_runtime.lock.files import folder
from tandem_runtime.lock.fingerprint.tokenizer import Tokenizer
from tandem_runtime.lock.verdict import compare
from tandem_runtime.lock.verdict.inspect import Side, at
from tests.unit.lock import builders


def side(place: Path, files: dict[str, bytes]) -> Side:
    return at(folder.at(builders.write(place, files)))


def tekken(pattern: str | None) -> dict[str, bytes]:
    words = [b"a", b"b"]
    config = {"pattern": pattern, "default_vocab_size": 5, "default_num_special_tokens": 3}
    vocabulary = [
        {"rank": rank, "token_bytes": base64.b64encode(word).decode()}
        for rank, word in enumerate(words)
    ]
    document = {"config": config, "vocab": vocabulary}
    return {"tekken.json": json.dumps(document).encode(), "config.json": b"{}"}


def test_tekken_with_another_pattern_splits_text_differently(tmp_path: Path) -> None:
    def encoder(name: str, pattern: str | None) -> object:
        tokenizer = side(tmp_path / name, tekken(pattern)).tokenizer
        assert isinstance(tokenizer, Tokenizer)
        return tokenizer.encoder["pattern"]

    assert encoder("one", "x") == encoder("same", "x") != encoder("other", "y")
    assert encoder("none", None) == "none"


def test_a_model_without_known_weights_is_one_only_if_it_has_a_tokenizer(tmp_path: Path) -> None:
    """Many heads are published as a Llama of one layer, without a tokenizer."""
    whole = builders.files()
    del whole["model.safetensors"]
    bare = {"config.json": whole["config.json"]}

    kinds = [side(tmp_path / "whole", whole).kind, side(tmp_path / "bare", bare).kind]

    assert kinds[0] is not None and kinds[0].kind is not None
    assert kinds[0].kind.name == "Model"
    assert kinds[1] is None or kinds[1].kind is None


def test_a_verdict_names_the_first_three_ids_that_differ(tmp_path: Path) -> None:
    turned = builders.tokenizer()
    names = ["a", "b", "c", "d", "e"]
    for name, token_id in zip(names, [2, 3, 4, 5, 1], strict=True):
        turned["model"]["vocab"][name] = token_id

    comparison = compare.pair(
        side(tmp_path / "one", builders.files()), side(tmp_path / "two", builders.files(turned))
    )

    assert comparison.reason == "IdsDiffer"
    assert comparison.message.endswith("1: 'a' and 'e', 2: 'b' and 'a', 3: 'c' and 'b'")
    assert [each.id for each in comparison.first_differences] == [1, 2, 3, 4, 5]
