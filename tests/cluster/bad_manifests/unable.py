"""What no pod of this release could do."""

from __future__ import annotations

from tests.cluster.bad_manifests.case import REMOVED, Bad

COMBINATION = "UnsupportedCombination"


def _source(field: str, uri: str, remedy: str) -> Bad:
    return Bad(f"{field} at {uri}", {field: uri}, f"spec.{field}", uri, remedy, COMBINATION)


OLD_IMAGE = "vllm/vllm-openai:v0.31.0"
KEPT = {"tuning.mode": "Fixed", "speculation.constrainedOutput": "Allow"}
"""What an engine needs on which K cannot change."""
TENSORRT_LLM = {
    **KEPT,
    "accelerator.resource": "nvidia.com/gpu",
    "engine": {
        "type": "TensorRTLLM",
        "server": "Native",
        "image": "nvcr.io/nvidia/tensorrt-llm/release:1.3.0rc29",
    },
}


CANNOT = (
    _source("target.tokenizer.uri", "hf://org/tokenizer", "put its files beside"),
    _source("draft.tokenizer.uri", "pvc://models/tokenizer", "use hf:// or s3://"),
    Bad(
        "tuning of an engine that keeps the K of its start",
        {**KEPT, "engine.type": "SGLang", "tuning.mode": "Auto"},
        "spec.tuning.mode",
        "Auto",
        "set tuning.mode: Fixed",
        COMBINATION,
    ),
    Bad(
        "a draft model on Neuron",
        {**KEPT, "engine.type": "Neuron"},
        "spec.speculation.method",
        "DraftModel",
        "use method Eagle3",
        COMBINATION,
    ),
    Bad(
        "an image of Neuron without EAGLE-3",
        {
            **KEPT,
            "engine.type": "Neuron",
            "engine.image": "neuron/pytorch-inference-vllm-neuronx:0.16.0-neuronx-py312",
            "speculation.method": "Eagle3",
        },
        "spec.engine.image",
        "0.16.0",
        "use an image of vLLM 0.21 or later",
        "UnsupportedEngine",
    ),
    Bad(
        "a method that TensorRT-LLM's PyTorch backend lacks",
        {**TENSORRT_LLM, "speculation.method": "Medusa"},
        "spec.speculation.method",
        "Medusa",
        "use method Eagle3",
        COMBINATION,
    ),
    Bad(
        "K that TensorRT-LLM would have to change while it serves",
        {**TENSORRT_LLM, "tuning.mode": "Auto"},
        "spec.tuning.mode",
        "Auto",
        "set tuning.mode: Fixed",
        COMBINATION,
    ),
    Bad(
        "devices that do not come out even over pods",
        {
            "accelerator": {"resource": "nvidia.com/gpu", "count": 3},
            "parallelism": {"tensor": 2, "pipeline": 2},
        },
        "spec.accelerator.count",
        "3",
        "use a divisor of 4",
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
    Bad(
        "tuning of a pipeline",
        {"parallelism.pipeline": 2, "speculation.constrainedOutput": "Allow"},
        "spec.tuning.mode",
        "Auto",
        "set tuning.mode: Fixed, or set parallelism.pipeline: 1",
        COMBINATION,
    ),
    Bad(
        "tuning of a vLLM without live K",
        {"engine.image": OLD_IMAGE, "speculation.constrainedOutput": "Allow"},
        "spec.tuning.mode",
        "Auto",
        "use an image of vLLM 0.32 or later",
        COMBINATION,
    ),
    Bad(
        "a bypass where every request is drafted for alike",
        {"engine.image": OLD_IMAGE, "tuning.mode": "Fixed"},
        "spec.speculation.constrainedOutput",
        "Bypass",
        "set constrainedOutput: Allow",
        COMBINATION,
    ),
    Bad(
        "a kill switch that nothing would obey",
        {"engine.image": OLD_IMAGE, **KEPT, "tuning.maxTokens": 0},
        "spec.tuning.maxTokens",
        "0",
        "remove tuning.maxTokens",
        COMBINATION,
    ),
    Bad(
        "a vLLM that runs a repository's code unasked",
        {"engine.image": "vllm/vllm-openai:v0.17.1", **KEPT},
        "spec.engine.image",
        "v0.17.1",
        "use an image of vLLM 0.18 or later",
        "UnsupportedEngine",
    ),
    Bad(
        "a method that this vLLM has no more",
        {"engine.image": "vllm/vllm-openai:v0.33.0", "speculation.method": "Medusa", **KEPT},
        "spec.speculation.method",
        "Medusa",
        "use another method, or an image of vLLM 0.32",
        COMBINATION,
    ),
)
"""What no pod of this release could do."""
