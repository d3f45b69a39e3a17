"""What config.json tells of published models: cache a token and experts, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_runtime.contract.report import MixtureOfExperts
from tandem_runtime.lock.errors import RefusedError
from tandem_runtime.lock.model import context_length, model_config


def decoder(layers: int, hidden: int, heads: int, kv_heads: int, **others: Any) -> dict[str, Any]:
    """The keys that most published configs have in common."""
    return {
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
    } | others


WINDOW_AND_FULL = ["sliding_attention", "full_attention"]
GEMMA_3 = {"sliding_window": 1024, "model_type": "gemma3_text"}
DEEPSEEK_V3 = decoder(
    61, 7168, 128, 128, kv_lora_rank=512, qk_rope_head_dim=64, qk_nope_head_dim=128, v_head_dim=128
)

CACHES = {
    # 2 (key and value) x layers x key-value heads x numbers a head
    "Llama 3.1 8B": (decoder(32, 4096, 32, 8), 2 * 32 * 8 * 128),
    "Llama 3.1 70B": (decoder(80, 8192, 64, 8), 2 * 80 * 8 * 128),
    "Llama 2 7B, one key a head": (decoder(32, 4096, 32, 32), 2 * 32 * 32 * 128),
    "Qwen3 0.6B, heads wider than hidden / heads": (
        decoder(28, 1024, 16, 8, head_dim=128),
        2 * 28 * 8 * 128,
    ),
    "Qwen3 235B-A22B": (decoder(94, 4096, 64, 4, head_dim=128), 2 * 94 * 4 * 128),
    "Qwen2.5 7B, a window that is not used": (
        decoder(28, 3584, 28, 4, sliding_window=131_072, use_sliding_window=False),
        2 * 28 * 4 * 128,
    ),
    "Mixtral 8x7B": (decoder(32, 4096, 32, 8, sliding_window=None), 2 * 32 * 8 * 128),
    "Mistral 7B v0.1, every layer with a window": (
        decoder(32, 4096, 32, 8, sliding_window=4096),
        2 * 32 * 8 * 128,
    ),
    # One compressed vector of 512 and a rotary key of 64 in each of 61 layers.
    "DeepSeek V3": (DEEPSEEK_V3, 61 * (512 + 64)),
    "gpt-oss 20B, every second layer with a window": (
        decoder(24, 2880, 64, 8, head_dim=64, sliding_window=128, layer_types=WINDOW_AND_FULL * 12),
        2 * 12 * 8 * 64,
    ),
    "GLM-4.5": (decoder(92, 5120, 96, 8, head_dim=128), 2 * 92 * 8 * 128),
    "Llama 4 Scout, chunks are kept": (
        {"text_config": decoder(48, 5120, 40, 8, head_dim=128, attention_chunk_size=8192)},
        2 * 48 * 8 * 128,
    ),
    # Layers 6, 12, ... 60 of 62 see everything.
    "Gemma 3 27B": (
        {"text_config": decoder(62, 5376, 32, 16, head_dim=128) | GEMMA_3},
        2 * 10 * 16 * 128,
    ),
    # The file leaves out the heads, which the type gives: 4 key-value heads of 256.
    "Gemma 3 4B": (
        {"text_config": {"num_hidden_layers": 34, "hidden_size": 2560} | GEMMA_3},
        2 * 5 * 4 * 256,
    ),
    "Gemma 2 9B": (
        decoder(42, 3584, 16, 8, head_dim=256, sliding_window=4096, model_type="gemma2"),
        2 * 21 * 8 * 256,
    ),
    "Qwen3-Next 80B, three of four layers linear": (
        decoder(48, 2048, 16, 2, head_dim=256, full_attention_interval=4),
        2 * 12 * 2 * 256,
    ),
    "Jamba 1.5, one layer of eight attends": (
        decoder(32, 4096, 32, 8, attn_layer_period=8, attn_layer_offset=4),
        2 * 4 * 8 * 128,
    ),
    "Nemotron-H": (
        decoder(8, 4096, 32, 8, attention_head_dim=128, hybrid_override_pattern="M-M*M-M*"),
        2 * 2 * 8 * 128,
    ),
    "EXAONE 4, three windows and one whole": (
        decoder(64, 5120, 40, 8, sliding_window=4096, sliding_window_pattern="LLLG"),
        2 * 16 * 8 * 128,
    ),
    "OpenELM, heads by layer": (
        {"num_hidden_layers": 3, "head_dim": 64, "num_kv_heads": [3, 4, 5]},
        2 * 12 * 64,
    ),
    "GPT-2": ({"n_layer": 12, "n_embd": 768, "n_head": 12}, 2 * 12 * 12 * 64),
    "Qwen2.5-Omni, nested twice": (
        {"thinker_config": {"text_config": decoder(28, 3584, 28, 4)}},
        2 * 28 * 4 * 128,
    ),
    "Gemma 3n, the last layers share": (
        decoder(
            6, 2048, 8, 2, head_dim=256, num_kv_shared_layers=2, layer_types=WINDOW_AND_FULL * 3
        ),
        2 * 2 * 2 * 256,
    ),
    "nothing told": ({"architectures": ["T5ForConditionalGeneration"]}, None),
}


@pytest.mark.parametrize("name", CACHES)
def test_the_cache_of_one_token(name: str) -> None:
    """Layers, heads and widths are those of the published config.json files.

    The sum is 2 x layers x key-value heads x head size for grouped attention (Ainslie et al., 2023)
    and (512 + 64) a layer for latent attention (DeepSeek-V2, section 2.1.3).
    """
    config, values = CACHES[name]
    assert model_config.read(config).kv_values_per_token == values


EXPERTS = {
    "Mixtral 8x7B": ({"num_local_experts": 8, "num_experts_per_tok": 2}, (8, 2)),
    "Qwen3 30B-A3B": ({"num_experts": 128, "num_experts_per_tok": 8}, (128, 8)),
    "DeepSeek V3": ({"n_routed_experts": 256, "num_experts_per_tok": 8}, (256, 8)),
    "Kimi Linear": ({"num_experts": 256, "num_experts_per_token": 8}, (256, 8)),
    "gpt-oss 120B": ({"num_local_experts": 128, "experts_per_token": 4}, (128, 4)),
    "Llama 4 Scout": (
        {"text_config": {"num_local_experts": 16, "num_experts_per_tok": 1}},
        (16, 1),
    ),
    "GLM-4.5": ({"n_routed_experts": 160, "num_experts_per_tok": 8}, (160, 8)),
    "ERNIE 4.5 VL, by modality": ({"moe_num_experts": [64, 64], "moe_k": 6}, (64, 6)),
    "Hunyuan, by layer": ({"num_experts": 64, "moe_topk": [8, 8, 8]}, (64, 8)),
    "DBRX": ({"ffn_config": {"moe_num_experts": 16, "moe_top_k": 4}}, (16, 4)),
    "Step 3": ({"text_config": {"moe_num_experts": 48, "moe_top_k": 3}}, (48, 3)),
}


@pytest.mark.parametrize("name", EXPERTS)
def test_experts_in_every_spelling(name: str) -> None:
    config, (experts, used) = EXPERTS[name]
    assert model_config.read(config).mixture_of_experts == MixtureOfExperts(experts, used)


@pytest.mark.parametrize("config", [{}, {"num_experts": 0}, {"num_local_experts": None}])
def test_a_dense_model_has_no_experts(config: dict[str, Any]) -> None:
    assert model_config.read(config).mixture_of_experts is None


def test_the_type_of_a_nested_text_model() -> None:
    config = {"vocab_size": None, "text_config": {"vocab_size": 9, "dtype": "bfloat16"}}
    read = model_config.read(config)
    assert (read.vocab_size, read.dtype) == (9, "bfloat16")


@pytest.mark.parametrize("value", ["16", -1, 1.5, True, 1 << 60])
def test_a_vocabulary_that_is_no_count_is_refused(value: object) -> None:
    with pytest.raises(RefusedError, match="vocab_size"):
        model_config.read({"vocab_size": value})


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text_config", "full_attn_layers"]), inner, max_size=2)
    ),
    max_leaves=6,
)
KEYS = [
    "num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim",
    "kv_lora_rank", "layer_types", "sliding_window", "sliding_window_pattern", "text_config",
    "full_attention_interval", "attn_layer_period", "linear_attn_config", "num_kv_shared_layers",
    "hybrid_override_pattern", "num_experts", "ffn_config", "model_type", "v_head_dim",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), ANY, max_size=8))
def test_any_config_is_read_or_refused(config: dict[str, Any]) -> None:
    try:
        read = model_config.read(config)
    except RefusedError:
        return
    assert read.kv_values_per_token is None or read.kv_values_per_token >= 0


def test_rows_that_a_published_config_leaves_to_its_class() -> None:
    """Gemma 3 with vision has 262,208 rows and says it nowhere; its text models say 262,144."""
    text = {"model_type": "gemma3_text", "hidden_size": 2560}
    vision = {"model_type": "gemma3", "text_config": text}
    assert model_config.read(vision).vocab_size == 262_208
    assert context_length.read(vision) == 131_072
    assert model_config.read(text | {"vocab_size": 262_144}).vocab_size == 262_144
    assert model_config.read({"model_type": "llama", "hidden_size": 8}).vocab_size is None
