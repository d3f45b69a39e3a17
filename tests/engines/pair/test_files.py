"""The pair in the repository: its sizes, its layout, and the two models made from it."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest

PAIR = Path(__file__).resolve().parents[3] / "examples" / "tiny-pair"
MOST_PARAMETERS = {"target": 7_000_000, "draft": 1_000_000}
MOST_BYTES = 17_000_000


def header(model: Path) -> dict[str, Any]:
    """The tensors that a safetensors file declares, by name."""
    content = (model / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    entries: dict[str, Any] = json.loads(content[8 : 8 + length])
    return {name: entry for name, entry in entries.items() if name != "__metadata__"}


def parameters(model: Path) -> int:
    return sum(math.prod(entry["shape"]) for entry in header(model).values())


@pytest.mark.parametrize("name", ["target", "draft"])
def test_each_model_is_a_small_llama_in_half_precision(name: str) -> None:
    config = json.loads((PAIR / name / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert parameters(PAIR / name) <= MOST_PARAMETERS[name]
    assert {entry["dtype"] for entry in header(PAIR / name).values()} == {"F16"}


def test_the_models_together_fit_into_the_repository() -> None:
    size = sum(f.stat().st_size for name in MOST_PARAMETERS for f in (PAIR / name).iterdir())
    assert size <= MOST_BYTES


def test_target_and_draft_speak_one_vocabulary() -> None:
    files = [PAIR / name / "tokenizer.json" for name in MOST_PARAMETERS]
    assert files[0].read_bytes() == files[1].read_bytes()
    sizes = [
        json.loads((PAIR / name / "config.json").read_text())["vocab_size"]
        for name in MOST_PARAMETERS
    ]
    vocabulary = json.loads(files[0].read_text())["model"]["vocab"]
    assert sizes == [len(vocabulary)] * 2


@pytest.mark.parametrize("kind", ["code", "prose"])
def test_prompts_of_each_kind_differ_from_one_another(kind: str) -> None:
    lines = (PAIR / "prompts" / f"{kind}.jsonl").read_text().splitlines()
    prompts = {json.loads(line)["prompt"] for line in lines}
    assert len(prompts) == len(lines) >= 48
