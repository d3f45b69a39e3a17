"""Layers with which a target drafts for itself (MTP): declared, and held in files."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from tandem_runtime.lock.model import kv_cache

_COUNTS = (
    "num_nextn_predict_layers",
    "mtp_num_hidden_layers",
    "num_mtp_layers",
    "num_mtp_modules",
    "mtp_num_layers",
)
_ONE_UNSAID = (
    "dots3_note",
    "longcat_flash",
    "mimo_v2_flash",
    "minimax_m3_vl",
    "qwen3_next",
    "step3p5",
)
"""Types whose published files hold such a layer though their config.json does not count it."""
KNOWN_TYPES = re.compile(
    r"bailing_hybrid.*|bailing_moe.*|deepseek_v(?:3|32|4|41)|deepseek_mtp|dots3_note|ernie4_5_moe.*"
    r"|exaone4_5.*|exaone_moe|glm4_moe.*|glm5_next.*|glm_moe_dsa|glm_ocr.*|hy_v[34]|inkling.*"
    r"|intern_?s2.*|kimi_k[23].*|kimi_linear|longcat_flash.*|mimo.*|minimax_m3.*|nemotron_h.*"
    r"|pangu_ultra_moe.*|qwen3_5.*|qwen3_next.*|qwen4.*|step3p[57].*"
)
"""Values of `model_type` of which models with such layers were published."""
_BY_NAME = re.compile(r"(?:^|\.)(?:mtp\w*|nextn\w*)\.(?:layers\.)?(?P<index>\d+)?")
_MARKS = re.compile(r"(?:^|\.)(?:eh_proj|enorm|hnorm)\.")
_LAYER = re.compile(r"(?:^|\.)layers\.(?P<index>\d+)\.")
_SIDE_STACKS = re.compile(r"(?:^|\.)(?:visual|vision\w*|audio\w*|encoder|talker)\.")


def declared(config: Mapping[str, Any] | None) -> int:
    """How many layers config.json declares, below `text_config` too; 0 where it has none.

    The spellings are DeepSeek's, GLM's, ERNIE's and MiMo's `num_nextn_predict_layers`, Qwen3.5's
    `mtp_num_hidden_layers`, MiniMax's `num_mtp_modules`, and Inkling's below `mtp_config`.
    """
    if config is None:
        return 0
    values = kv_cache.of_text(config)
    nested = values.get("mtp_config")
    for holder in (values, nested if isinstance(nested, Mapping) else {}):
        for name in _COUNTS:
            count = holder.get(name)
            if count is not None:
                return count if type(count) is int and count > 0 else 0
    types = {str(config.get("model_type")), str(values.get("model_type"))}
    return 1 if types & set(_ONE_UNSAID) else 0


def is_known_type(config: Mapping[str, Any] | None) -> bool:
    """Whether models of this type are known to be published with such layers."""
    if config is None:
        return False
    types = (config.get("model_type"), kv_cache.of_text(config).get("model_type"))
    return any(isinstance(each, str) and KNOWN_TYPES.fullmatch(each) for each in types)


def in_files(config: Mapping[str, Any] | None, tensors: Collection[str]) -> int | None:
    """How many layers' tensors have names in the files; None where no name is known.

    Such layers stand below a name of their own (`mtp`), or behind the last layer of the model: at
    an index of at least `num_hidden_layers`, or with the projection that joins the target's state
    with the next token (`eh_proj`).
    """
    if not tensors:
        return None
    values = kv_cache.of_text(config or {})
    layers = values.get("num_hidden_layers")
    own: set[str] = set()
    behind: set[int] = set()
    for name in tensors:
        by_name = _BY_NAME.search(name)
        if by_name is not None:
            own.add(by_name["index"] or "")
            continue
        layer = _LAYER.search(name)
        if layer is None or _SIDE_STACKS.search(name):
            continue
        index = int(layer["index"])
        if _MARKS.search(name) or (type(layers) is int and layers > 0 and index >= layers):
            behind.add(index)
    numbered = own - {""}
    return max(len(numbered) or len(own), len(behind))
