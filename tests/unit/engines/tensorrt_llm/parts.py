"""Specs and rendered parts for the tests of TensorRT-LLM's driver."""

from __future__ import annotations

from typing import Any

from tandem_operator.engines.tensorrt_llm import DRIVER
from tests.unit.engines import builders

IMAGE = "nvcr.io/nvidia/tensorrt-llm/release:1.3.0rc29"
TAKEN: dict[str, Any] = {
    "engine.type": "TensorRTLLM",
    "engine.server": "Native",
    "engine.image": IMAGE,
    "speculation.constrainedOutput": "Allow",
    "tuning.mode": "Fixed",
}


def refused_fields(changes: dict[str, Any]) -> list[tuple[str, str]]:
    refusals = DRIVER.validate(builders.spec({**TAKEN, **changes}))
    assert all(each.remedy for each in refusals)
    return [(each.reason.value, each.field) for each in refusals]
