"""One good pair of each method: configurations of published pairs, made small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tandem_operator.api.spec import Method, Spec

Object = dict[str, Any]
QWEN: Object = {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "vocab_size": 32_000,
    "hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 4, "head_dim": 64,
    "num_attention_heads": 8, "num_key_value_heads": 2, "max_position_embeddings": 2048,
    "hidden_act": "silu", "rms_norm_eps": 1e-6, "torch_dtype": "bfloat16",
}  # fmt: skip
LLAMA = QWEN | {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
HEAD = LLAMA | {"num_hidden_layers": 1}
WITH_LAYERS = QWEN | {
    "architectures": ["Glm4MoeForCausalLM"], "model_type": "glm4_moe",
    "num_nextn_predict_layers": 1, "n_routed_experts": 8, "n_shared_experts": 1,
}  # fmt: skip
GEMMA = QWEN | {
    "architectures": ["Gemma4ForCausalLM"], "model_type": "gemma4_text", "sliding_window": 512,
    "hidden_size_per_layer_input": 0, "vocab_size_per_layer_input": 0,
    "layer_types": ["sliding_attention", "full_attention"] * 2,
}  # fmt: skip
ASSISTANT: Object = {
    "architectures": ["Gemma4AssistantForCausalLM"], "model_type": "gemma4_assistant",
    "backbone_hidden_size": 512, "text_config": GEMMA, "torch_dtype": "bfloat16",
}  # fmt: skip
DFLASH = HEAD | {
    "architectures": ["DFlashDraftModel"], "model_type": "qwen3", "block_size": 4,
    "dflash_config": {"mask_token_id": 5, "target_layer_ids": [0, 1]},
}  # fmt: skip
DSPARK = HEAD | {
    "architectures": ["Qwen3DSparkModel"], "model_type": "qwen3", "block_size": 4,
    "mask_token_id": 5, "target_layer_ids": [0, 1], "markov_rank": 64,
}  # fmt: skip


@dataclass(frozen=True)
class GoodPair:
    """A target, the draft where the method has one, and what of the spec is not the default."""

    method: Method
    target: Object
    draft: Object | None = None
    tokens: int = 3
    bypasses: bool = True

    def spec(self, version: str) -> Spec:
        """The resource's spec with the stock image of a version."""
        fields: Object = {
            "target": {"uri": "pvc://models/target"},
            "speculation": {
                "method": self.method.value,
                "maxTokens": self.tokens,
                "constrainedOutput": "Bypass" if self.bypasses else "Allow",
            },
            "engine": {"type": "vLLM", "image": f"vllm/vllm-openai:v{version}"},
        }
        if self.draft is not None:
            fields["draft"] = {"uri": "pvc://models/draft"}
        return Spec.model_validate(fields)


PAIRS: dict[str, GoodPair] = {
    "DraftModel": GoodPair(Method.DRAFT_MODEL, QWEN, QWEN | {"num_hidden_layers": 1}),
    "Eagle": GoodPair(Method.EAGLE, LLAMA, HEAD | {"architectures": ["EagleLlamaForCausalLM"]}),
    "Eagle3": GoodPair(
        Method.EAGLE3,
        LLAMA,
        HEAD | {"architectures": ["LlamaForCausalLMEagle3"], "draft_vocab_size": 1000},
    ),
    "MTP, layers in the target": GoodPair(Method.MTP, WITH_LAYERS, tokens=1),
    "MTP, an assistant": GoodPair(Method.MTP, GEMMA, ASSISTANT),
    "NGram": GoodPair(Method.N_GRAM, QWEN),
    "Suffix": GoodPair(Method.SUFFIX, QWEN, bypasses=False),
    "Medusa": GoodPair(
        Method.MEDUSA,
        LLAMA,
        {"medusa_num_heads": 3, "medusa_num_layers": 1},
        bypasses=False,
    ),
    "DFlash": GoodPair(Method.DFLASH, QWEN, DFLASH),
    "DSpark": GoodPair(Method.DSPARK, QWEN, DSPARK),
}
