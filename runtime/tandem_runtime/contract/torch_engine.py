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
