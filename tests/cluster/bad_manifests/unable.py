"""What no pod of this release could do."""

from __future__ import annotations

from tests.cluster.bad_manifests.case import REMOVED, Bad

COMBINATION = "UnsupportedCombination"


def _source(field: str, uri: str, remedy: str) -> Bad:
    return Bad(f"{field} at {uri}", {field: uri}, f"spec.{field}", uri, remedy, COMBINATION)


CANNOT = (
    _source("target.tokenizer.uri", "hf://org/tokenizer", "put its files beside"),
    _source("draft.tokenizer.uri", "pvc://models/tokenizer", "use hf:// or s3://"),
    Bad(
        "an engine that is not driven yet",
        {"engine.type": "SGLang"},
        "spec.engine.type",
        "SGLang",
        "use engine.type: vLLM",
        "UnsupportedEngine",
    ),
    Bad(
        "fewer devices than ranks",
        {
            "accelerator": {"resource": "nvidia.com/gpu", "count": 2},
            "parallelism": {"tensor": 2, "pipeline": 2},
        },
        "spec.accelerator.count",
        "2",
        "remove count, or lower parallelism",
        COMBINATION,
    ),
    Bad(
        "a method that the engine lacks",
        {
            "draft": REMOVED,
            "speculation.method": "LayerSkip",
            "speculation.layerSkip": {"exitLayer": 4},
        },
        "spec.speculation.method",
        "LayerSkip",
        "use one of DraftModel",
        COMBINATION,
    ),
    Bad(
        "a drafter of fixed depth that shall step aside",
        {"draft": REMOVED, "speculation.method": "Suffix"},
        "spec.speculation.constrainedOutput",
        "Bypass",
        "set constrainedOutput: Allow",
        COMBINATION,
    ),
)
"""What no pod of this release could do."""
