"""Manifests of a pair, in as few words as a test of the resource needs."""

from __future__ import annotations

import copy
from typing import Any

from tandem_operator.api.spec import Spec

Object = dict[str, Any]

PAIR: Object = {
    "target": {"uri": "hf://org/target"},
    "draft": {"uri": "hf://org/draft"},
    "speculation": {"method": "DraftModel", "maxTokens": 7},
    "engine": {"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0"},
}


def manifest(changes: Object | None = None) -> Object:
    """`spec` of a pair on vLLM; `changes` by dotted path, None removes."""
    made = copy.deepcopy(PAIR)
    for path, value in (changes or {}).items():
        *parents, last = path.split(".")
        holder = made
        for key in parents:
            holder = holder.setdefault(key, {})
        if value is None:
            holder.pop(last)
        else:
            holder[last] = value
    return made


def spec(changes: Object | None = None) -> Spec:
    return Spec.model_validate(manifest(changes))
