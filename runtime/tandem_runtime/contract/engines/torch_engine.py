"""What the torch engine computes: the operator refuses other models before a pod is made."""

from __future__ import annotations

ARCHITECTURES = (
    "LlamaForCausalLM",
    "MistralForCausalLM",
    "Qwen2ForCausalLM",
    "Qwen3ForCausalLM",
)
"""Names as in `architectures` of a model's config.json."""

ROPE_TYPES = ("default", "linear", "llama3", "yarn")
"""Kinds of rotary embedding, as in `rope_type`."""

ACTIVATIONS = ("silu", "swish")
"""Activations of the MLP, two names of one function, as in `hidden_act`."""

BLOCK_TOKENS = 16
"""Tokens of one block of the cache of keys and values."""

KV_CACHE_MIB = 1024
"""Default of `--kv-cache-mib`, for target and draft together."""

DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of one number by the values of `--dtype`."""

DTYPE = "float32"
"""Default of `--dtype`."""
