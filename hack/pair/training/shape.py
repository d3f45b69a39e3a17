"""Shapes of the two models and how they are read and written. Called by the training and checks."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM
from transformers.utils.logging import disable_progress_bar

from hack.pair.training.tokenizer import CONTEXT_TOKENS, END_OF_TEXT_ID, VOCAB_SIZE


def target_config() -> LlamaConfig:
    """3.7 M parameters, four layers."""
    return _config(hidden=256, layers=4, heads=4, kv_heads=2, mlp=768)


def draft_config() -> LlamaConfig:
    """0.8 M parameters, one layer."""
    return _config(hidden=192, layers=1, heads=3, kv_heads=1, mlp=512)


def _config(hidden: int, layers: int, heads: int, kv_heads: int, mlp: int) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=VOCAB_SIZE,
        hidden_size=hidden,
        intermediate_size=mlp,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=64,
        max_position_embeddings=CONTEXT_TOKENS,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=END_OF_TEXT_ID,
        eos_token_id=END_OF_TEXT_ID,
        pad_token_id=None,
    )


def round_to_half(model: LlamaForCausalLM) -> None:
    """Give the weights the values that the saved float16 file will hold."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half().float())


def save_model(model: LlamaForCausalLM, folder: Path) -> None:
    """Write config.json, generation_config.json and model.safetensors in float16."""
    disable_progress_bar()
    half = LlamaForCausalLM(model.config).half()
    half.load_state_dict(model.state_dict())
    half.generation_config = GenerationConfig(
        bos_token_id=END_OF_TEXT_ID, eos_token_id=END_OF_TEXT_ID, do_sample=False
    )
    half.save_pretrained(folder)
    # The writer makes it private; an engine in a pod reads it as another user.
    (folder / "model.safetensors").chmod(0o644)
    config_file = folder / "config.json"
    config_file.write_text(json.dumps(json.loads(config_file.read_text()), indent=2) + "\n")
