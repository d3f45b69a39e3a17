"""A start profile is used whole or refused by ConfigMap and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tandem_operator.api.spec import Spec
from tandem_operator.control.start_profile import ProfileRefusedError, read

PROFILES = sorted((Path(__file__).parents[3] / "operator/tandem_operator/profiles").glob("*.json"))
SPEC = Spec.model_validate(
    {
        "target": {"uri": "hf://org/target"},
        "draft": {"uri": "hf://org/draft"},
        "speculation": {"method": "DraftModel"},
        "engine": {"type": "vLLM", "image": "vllm:1"},
    }
)


def config_map(document: Any) -> dict[str, Any]:
    text = document if isinstance(document, str) else json.dumps(document)
    return {"metadata": {"name": "chat-profile"}, "data": {"profile.json": text}}


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_profile_that_is_shipped_is_taken(path: Path) -> None:
    document = json.loads(path.read_text())
    assert read(config_map(document), SPEC) == document


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{", "is not JSON"),
        ("[]", "valid dictionary"),
        ({}, "neither step_samples nor step_time"),
        ({"step_time": {"base_s": -1}}, "step_time.base_s"),
        ({"step_time": {"base_s": 1}, "survival": {"chat": [1.5]}}, "survival.chat.0"),
        ({"step_samples": [{"batch": 0, "tokens": 1, "seconds": 1}]}, "step_samples.0.batch"),
        ('{"step_time": {"base_s": NaN}}', "step_time.base_s"),
    ],
)
def test_a_damaged_one_is_refused_by_its_field(document: Any, expected: str) -> None:
    with pytest.raises(ProfileRefusedError, match=expected) as refused:
        read(config_map(document), SPEC)
    assert "chat-profile" in str(refused.value)


def test_a_config_map_without_the_key_is_refused() -> None:
    with pytest.raises(ProfileRefusedError, match=r"no key profile\.json"):
        read({"metadata": {"name": "chat-profile"}, "data": {}}, SPEC)


@pytest.mark.parametrize(
    "pair", [{"target": "hf://org/other"}, {"draft": "hf://org/other"}, {"image": "vllm:2"}]
)
def test_one_of_another_pair_is_refused(pair: dict[str, str]) -> None:
    document = {"step_time": {"base_s": 0.01}, "pair": pair}
    with pytest.raises(ProfileRefusedError, match="measured with"):
        read(config_map(document), SPEC)


def test_one_of_this_pair_is_taken() -> None:
    pair = {"target": "hf://org/target", "image": "vllm:1", "accelerator": "H100"}
    document = {"step_time": {"base_s": 0.01}, "pair": pair}
    assert read(config_map(document), SPEC) == document
