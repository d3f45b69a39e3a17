"""What is made of the pair: a target that costs more, and a draft that must not be deployed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

PAIR = Path(__file__).resolve().parents[3] / "examples" / "tiny-pair"
LOGITS = Path(__file__).with_name("logits.py")
MAKE = Path(__file__).resolve().parents[3] / "hack" / "pair" / "__main__.py"
WIDE_PARAMETERS = 20_000_000
EXACT = 1e-4
"""float32 sums in another order differ by this much; another model by thousands of times more."""

InEngine = Callable[..., str]


def vocabulary(model: Path) -> dict[str, int]:
    ids: dict[str, int] = json.loads((model / "tokenizer.json").read_text())["model"]["vocab"]
    return ids


@pytest.fixture(scope="module")
def wide(in_engine: InEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wide")
    in_engine(MAKE, "widen", "--out", str(folder), "--parameters", str(WIDE_PARAMETERS))
    return folder


@pytest.fixture(scope="module")
def permuted(in_engine: InEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("permuted")
    in_engine(MAKE, "permute", "--out", str(folder))
    return folder


def test_a_wider_target_says_exactly_what_the_target_says(in_engine: InEngine, wide: Path) -> None:
    assert float(in_engine(LOGITS, str(PAIR / "target"), str(wide))) < EXACT


def test_a_wider_target_has_the_size_asked_for(wide: Path) -> None:
    half_precision_bytes = 2
    size = (wide / "model.safetensors").stat().st_size / half_precision_bytes
    assert size == pytest.approx(WIDE_PARAMETERS, rel=0.02)


def test_widening_again_changes_nothing(in_engine: InEngine, wide: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in wide.iterdir()}
    in_engine(MAKE, "widen", "--out", str(wide), "--parameters", str(WIDE_PARAMETERS))
    assert {file: file.stat().st_mtime_ns for file in wide.iterdir()} == before


def test_a_permuted_draft_gives_almost_every_text_another_id(permuted: Path) -> None:
    right, wrong = vocabulary(PAIR / "draft"), vocabulary(permuted)
    assert right.keys() == wrong.keys()
    assert sorted(right.values()) == sorted(wrong.values())
    kept = [text for text in right if right[text] == wrong[text]]
    assert len(kept) < len(right) / 100
    assert right["<|endoftext|>"] == wrong["<|endoftext|>"]


def test_a_permuted_draft_is_the_same_model_under_its_own_ids(
    in_engine: InEngine, permuted: Path
) -> None:
    assert float(in_engine(LOGITS, str(PAIR / "draft"), str(permuted))) < EXACT


def test_permuting_again_makes_the_same_files(
    in_engine: InEngine, permuted: Path, tmp_path: Path
) -> None:
    in_engine(MAKE, "permute", "--out", str(tmp_path))
    for file in permuted.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name
