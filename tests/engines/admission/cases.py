"""Pairs and specs, drawn with a fixed seed: some that start, many that do not."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Object = dict[str, Any]

ROWS = (32_000, 32_064, 151_936)
WITH_DRAFT = ("DraftModel", "Eagle", "Eagle3", "Medusa")
METHODS = ("DraftModel", "DraftModel", "Eagle", "Eagle3", "Eagle3", "Medusa", "MTP", "MTP", "NGram")
QUANTIZATIONS: tuple[Object | None, ...] = (
    None,
    None,
    None,
    {"quant_method": "fp8", "activation_scheme": "dynamic"},
    {"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True, "desc_act": False},
    {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True},
    {"quant_method": "bitsandbytes", "load_in_4bit": True},
    {"quant_method": "exl2", "bits": 4.0},
)
KEYS: tuple[Object, ...] = (
    {"use_heterogeneous_vocab": True},
    {"use-heterogeneous-vocab": True},
    {"use_heterogeneous_vocab": True, "draft_sample_method": "probabilistic"},
    {"draft_sample_method": "probabilistic"},
    {"draft_sample_method": "warm"},
    {"rejection_sample_method": "block"},
    {"rejection_sample_method": "loose"},
    {"max_model_len": 1024},
    {"max_model_len": 3000},
    {"max_model_len": 500_000},
    {"max_model_len": 0},
    {"enforce_eager": True},
    {"enforce_eager": None},
    {"enforce_eager": "maybe"},
    {"disable_padded_drafter_batch": True},
    {"frobnicate": 1},
    {"acceptance_method": "typical"},
    {"index_share_for_mtp_iteration": False},
    {"dspark_draft_topk": 4},
    {"enable_adaptive_verification": True, "use_local_argmax_reduction": True},
    {"quantization": "fp8"},
    {"quantization": "gptq"},
    {"moe_backend": "auto"},
    {"suffix_decoding_min_token_prob": 0.5},
    {"suffix_decoding_max_tree_depth": "deep"},
)


@dataclass(frozen=True)
class Case:
    """One pair with one spec. `draft` is None where the method has none."""

    target: Object
    draft: Object | None
    speculation: Object
    parallelism: Object
    args: tuple[str, ...] = ()


def drawn(count: int, seed: int) -> list[Case]:
    """The cases of a seed."""
    draw = random.Random(seed)
    return [_case(draw) for _ in range(count)]


def write(folder: Path, config: Object) -> Path:
    """A model of configuration alone."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def _case(draw: random.Random) -> Case:
    method = draw.choice(METHODS)
    target = _with_layers(draw) if method == "MTP" else _ordinary(draw)
    speculation: Object = {
        "method": method,
        "maxTokens": draw.randint(1, 8),
        "constrainedOutput": "Allow" if method == "Medusa" else "Bypass",
    }
    draft = _draft(draw, method, target) if method in WITH_DRAFT else None
    tensor = draw.choice((1, 1, 1, 2, 3, 4))
    if draft is not None and draw.random() < 0.3:
        speculation["draftTensorParallel"] = draw.choice((1, 2, 4))
    if draw.random() < 0.35:
        speculation["engineConfig"] = draw.choice(KEYS)
    args: list[str] = []
    if draw.random() < 0.3:
        args.append(f"--max-model-len={draw.choice(('1024', '2k', '2K', '40000', '100k'))}")
    if draw.random() < 0.08:
        args.append(f"--quantization={draw.choice(('fp8', 'gptq', 'awq'))}")
    return Case(target, draft, speculation, {"tensor": tensor}, tuple(args))


def _ordinary(draw: random.Random, **changes: Any) -> Object:
    name, kind = draw.choice(
        (
            ("LlamaForCausalLM", "llama"),
            ("Qwen2ForCausalLM", "qwen2"),
            ("Qwen3ForCausalLM", "qwen3"),
            ("MistralForCausalLM", "mistral"),
        )
    )
    heads = draw.choice((8, 12, 14, 16))
    config: Object = {
        "architectures": [name],
        "model_type": kind,
        "vocab_size": draw.choice(ROWS),
        "hidden_size": heads * 64,
        "intermediate_size": heads * 128,
        "num_hidden_layers": 2,
        "num_attention_heads": heads,
        "num_key_value_heads": 2,
        "max_position_embeddings": draw.choice((2048, 4096, 40_960)),
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "torch_dtype": "bfloat16",
    }
    if draw.random() < 0.15:
        factor = draw.choice((2.0, 4.0))
        kind = draw.choice(("linear", "dynamic", "yarn", "llama3"))
        config["rope_scaling"] = {"rope_type": kind, "factor": factor} | (
            {
                "original_max_position_embeddings": 1024,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
            }
            if kind in ("llama3", "yarn")
            else {}
        )
    quantization = draw.choice(QUANTIZATIONS)
    if quantization is not None:
        config["quantization_config"] = quantization
    return config | changes


def _with_layers(draw: random.Random) -> Object:
    name, kind, more = draw.choice(
        (
            ("DeepseekV3ForCausalLM", "deepseek_v3", {"n_routed_experts": 8}),
            ("Glm4MoeForCausalLM", "glm4_moe", {"n_routed_experts": 8, "n_shared_experts": 1}),
            ("Ernie4_5_MoeForCausalLM", "ernie4_5_moe", {"moe_num_experts": 8}),
            ("Qwen3NextForCausalLM", "qwen3_next", {"num_experts": 8}),
            ("LlamaForCausalLM", "llama", {}),
            ("Qwen3MoeForCausalLM", "qwen3_moe", {"num_experts": 8}),
        )
    )
    counted = kind != "qwen3_next"
    layers = {"num_nextn_predict_layers": draw.choice((1, 2, 3))} if counted else {}
    base = _ordinary(draw, architectures=[name], model_type=kind)
    base.pop("quantization_config", None)
    base.pop("rope_scaling", None)
    return base | more | layers


def _draft(draw: random.Random, method: str, target: Object) -> Object:
    kind = draw.choice(("own", "own", "own", "any"))
    if kind == "any":
        method = draw.choice((*WITH_DRAFT, "DFlash"))
    if method == "DraftModel":
        same = draw.random() < 0.7
        draft = _ordinary(draw, **({"vocab_size": target["vocab_size"]} if same else {}))
        if draw.random() < 0.1:
            draft |= {"architectures": ["Glm4MoeForCausalLM"], "model_type": "glm4_moe"}
            draft |= {"n_routed_experts": 8, "n_shared_experts": 1, "num_nextn_predict_layers": 1}
        return draft
    heads = target["num_attention_heads"]
    head: Object = {
        "model_type": "llama",
        "vocab_size": target["vocab_size"],
        "hidden_size": target["hidden_size"],
        "num_hidden_layers": 1,
        "num_attention_heads": heads,
        "num_key_value_heads": 2,
        "intermediate_size": 1024,
        "max_position_embeddings": draw.choice((2048, 40_960)),
        "rms_norm_eps": 1e-6,
        "torch_dtype": "bfloat16",
    }
    if method == "Medusa":
        own = draw.random() < 0.5
        counts = {"medusa_num_heads": draw.randint(1, 5), "medusa_num_layers": 1}
        return (
            counts
            if own
            else {"model_type": "medusa", "architectures": ["MedusaModel"]}
            | {
                "hidden_size": head["hidden_size"],
                "num_heads": draw.randint(1, 5),
                "vocab_size": head["vocab_size"],
            }
        )
    if method == "DFlash":
        dflash = {"mask_token_id": 5, "target_layer_ids": [0, 1]}
        more = {"model_type": "qwen3", "dflash_config": dflash, "head_dim": 64}
        return head | {"architectures": ["DFlashDraftModel"], **more}
    if method == "Eagle":
        names = ("EagleLlamaForCausalLM", "LlamaForCausalLMEagle", "EagleQwen3ForCausalLM")
        return head | {"architectures": [draw.choice(names)]}
    if draw.random() < 0.4:
        return _speculator(draw, head)
    names = ("LlamaForCausalLMEagle3", "Eagle3LlamaForCausalLM", "Eagle3GemmaForCausalLM")
    return head | {"architectures": [draw.choice(names)], "draft_vocab_size": 1000}


def _speculator(draw: random.Random, head: Object) -> Object:
    algorithm = draw.choice(("eagle3", "eagle3", "peagle", "eagle"))
    layer = head | {"model_type": draw.choice(("llama", "qwen3", "gemma2"))}
    return {
        "architectures": ["ASpeculator"],
        "speculators_model_type": algorithm,
        "draft_vocab_size": 1000,
        "mask_token_id": 7,
        "torch_dtype": "bfloat16",
        "speculators_config": {
            "algorithm": algorithm,
            "proposal_methods": [{"proposal_type": "greedy", "speculative_tokens": 3}],
            "verifier": {"name_or_path": "acme/chat", "architectures": ["LlamaForCausalLM"]},
        },
        "transformer_layer_config": layer,
    }
