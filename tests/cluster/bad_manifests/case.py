"""Manifests that must not be carried out, and what each is told: data for every test that needs it.

A case is a good manifest with some fields changed. `reason` is None where the API server itself
refuses it by schema or CEL; otherwise it is the reason of `Stalled`. The answer names `field`,
`value` and the words of `remedy`.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

Object = dict[str, Any]

GOOD: Object = {
    "target": {"uri": "hf://org/target"},
    "draft": {"uri": "hf://org/draft"},
    "speculation": {"method": "DraftModel", "maxTokens": 7},
    "engine": {"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0"},
    "accelerator": {"resource": "None"},
}
REMOVED = object()
"""Value of a field that the manifest lacks."""


@dataclasses.dataclass(frozen=True)
class Bad:
    """One manifest, by what is changed in the good one (dotted path and value)."""

    title: str
    changes: dict[str, Any] = dataclasses.field(hash=False)
    field: str
    value: str
    remedy: str
    reason: str | None = None
    name: str = "chat"

    def manifest(self, name: str | None = None) -> Object:
        """The whole resource."""
        spec = copy.deepcopy(GOOD)
        for path, value in self.changes.items():
            *parents, last = path.split(".")
            holder = spec
            for key in parents:
                holder = holder.setdefault(key, {})
            if value is REMOVED:
                del holder[last]
            else:
                holder[last] = copy.deepcopy(value)
        return {
            "apiVersion": "tandem.dev/v1alpha1",
            "kind": "SpeculativeDeployment",
            "metadata": {"name": name or self.name},
            "spec": spec,
        }
