"""Pairs as vLLM's rules see them: made for the tests of rules, warnings and neighbours."""

from __future__ import annotations

from typing import Any

from tandem_operator.engines.interface.pair_validation import PairValidation
from tandem_operator.engines.vllm import DRIVER
from tests.unit.engines import builders

Object = dict[str, Any]
LATER = "vllm/vllm-openai:v0.33.1"


def validate(
    changes: Object | None = None, target: Object | None = None, draft: Object | None = None
) -> PairValidation:
    spec = builders.spec(changes)
    report = builders.report(target, draft, alone=spec.draft is None)
    return DRIVER.validate_pair(spec, report)


ROWS = {"config_vocab_size": 152_064}
FEWER = {"config_vocab_size": 151_936}
MAPPED = {"speculation.engineConfig": {"use_heterogeneous_vocab": True}}
MTP = {"speculation.method": "MTP", "speculation.maxTokens": 5}
FIXED = {
    "parallelism.pipeline": 2,
    "tuning.mode": "Fixed",
    "speculation.constrainedOutput": "Allow",
}
EAGLE_3 = {"speculation.method": "Eagle3"}
MEDUSA = {
    "speculation.method": "Medusa",
    "speculation.constrainedOutput": "Allow",
    "speculation.maxTokens": 5,
}
EAGLE = {"speculation.method": "Eagle"}
DFLASH = {"speculation.method": "DFlash"}
DSPARK = {"speculation.method": "DSpark", "draft": {"uri": "hf://org/draft"}}
HEAD_3 = {"kind": "Eagle3", "architecture": "LlamaForCausalLMEagle3"}
HEAD = {"kind": "Eagle", "architecture": "EagleLlamaForCausalLM"}
SPECULATOR = {"kind": "Eagle3", "architecture": "ASpeculator", "speculators": "eagle3"}
THREE = {"model_type": "deepseek_v3", "mtp_layers": 3, "mtp_layers_in_files": 3}


def also(*parts: Object) -> Object:
    merged: Object = {}
    for part in parts:
        merged |= part
    return merged
