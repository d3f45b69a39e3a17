"""Names that vLLM 0.32 chooses among, where neither its parser nor a file tells a wrong one.

`tests/engines/admission/test_options.py` holds them against vLLM itself.
"""

from tandem_runtime.contract.engines.attention import ROPE_BY_LAYER

ATTENTION_BACKENDS = frozenset({
    "AMX_MLA", "B12X", "CPU_ATTN", "CPU_MLA", "CUSTOM", "CUTLASS_MLA", "CUTLASS_MSA", "FLASHINFER",
    "FLASHINFER_MLA", "FLASHINFER_MLA_SPARSE", "FLASHINFER_MLA_SPARSE_DSV4",
    "FLASHINFER_MLA_SPARSE_DSV41", "FLASHINFER_MLA_SPARSE_SM120", "FLASHINFER_MLA_SPARSE_SM90",
    "FLASHMLA", "FLASHMLA_MEGA_ATTN_DSV41", "FLASHMLA_SPARSE", "FLASHMLA_SPARSE_DSV4",
    "FLASHMLA_SPARSE_DSV41", "FLASH_ATTN", "FLASH_ATTN_DIFFKV", "FLASH_ATTN_MLA",
    "FLASH_ATTN_MLA_SPARSE", "FLEX_ATTENTION", "HPC_ATTN", "MINIMAX_M3_SPARSE", "NO_ATTENTION",
    "ROCM_AITER_FA", "ROCM_AITER_MLA", "ROCM_AITER_MLA_SPARSE", "ROCM_AITER_TRITON_MLA",
    "ROCM_AITER_UNIFIED_ATTN", "ROCM_ATTN", "ROCM_FLASHMLA_SPARSE_DSV4", "ROCM_SEGMENTED_ATTN",
    "TOKENSPEED_MLA", "TORCH_SDPA", "TRITON_ATTN", "TRITON_ATTN_DIFFKV", "TRITON_FLASHINFER",
    "TRITON_FLASH_ATTN", "TRITON_MLA", "TRITON_MSA", "TURBOQUANT", "ULTRAQUANT", "XPU_MLA_SPARSE",
})  # fmt: skip
"""`AttentionBackendEnum`; case does not count, and `auto` is taken too."""
CACHE_TYPES = frozenset({
    "auto", "bfloat16", "float16", "fp8", "fp8_ds_mla", "fp8_e4m3", "fp8_e5m2", "fp8_inc",
    "fp8_per_token_head", "int4_per_token_head", "int8_per_token_head", "nvfp4", "nvfp4_4over6",
    "nvfp4_ds_mla", "turboquant_3bit_nc", "turboquant_4bit_nc", "turboquant_k3v4_nc",
    "turboquant_k8v4", "ultraquant_4bit",
})  # fmt: skip
"""`CacheDType`."""
MOE_BACKENDS = frozenset({
    "aiter", "aiter_mega_moe", "aiter_triton_mxfp4_bf16", "auto", "b12x", "batched_triton",
    "cutlass", "deep_gemm", "deep_gemm_mega_moe", "emulation", "flashinfer_b12x",
    "flashinfer_cutedsl", "flashinfer_cutlass", "flashinfer_moe_ep_cutedsl",
    "flashinfer_moe_ep_mega_deep_gemm", "flashinfer_trtllm", "flydsl", "hpc", "humming", "marlin",
    "rdna3", "triton", "triton_unfused",
})  # fmt: skip
"""`MoEBackend`."""
REASONING_PARSERS = frozenset({
    "cohere_command3", "cohere_command4", "deepseek_r1", "deepseek_v3", "deepseek_v4",
    "deepseek_v41", "ernie45", "gemma4", "glm45", "glm47", "granite", "granite_thinking_parser",
    "hf", "holo2", "hunyuan_a13b", "hy_v3", "hy_v4", "inkling", "k2_horizon", "kimi_k2", "kimi_k3",
    "ling3", "mimo", "minicpmv", "minimax_m2", "minimax_m2_append_think", "minimax_m3", "mistral",
    "muse_glimmer", "nemotron_v3", "olmo3", "openai_gptoss", "plamo3", "poolside_v1", "qwen3",
    "seed_oss", "step3", "step3p5",
})  # fmt: skip
"""Without those that `--reasoning-parser-plugin` brings."""
TOOL_PARSERS = frozenset({
    "apertus", "cohere_command3", "cohere_command4", "deepseek_v3", "deepseek_v31", "deepseek_v32",
    "deepseek_v4", "deepseek_v41", "dots", "ernie45", "functiongemma", "gemma4", "gigachat3",
    "glm45", "glm47", "granite", "granite-20b-fc", "granite4", "hermes", "hf", "hunyuan_a13b",
    "hy_v3", "hy_v4", "inkling", "internlm", "jamba", "k2_horizon", "kimi_k2", "kimi_k3", "lfm2",
    "ling3", "llama3_json", "llama4_json", "llama4_pythonic", "longcat", "mimo", "minicpm5",
    "minimax_m2", "minimax_m3", "mistral", "muse_glimmer", "olmo3", "openai", "phi4_mini_json",
    "plamo3", "poolside_v1", "pythonic", "qwen3_coder", "qwen3_json", "qwen3_xml", "seed_oss",
    "step3", "step3p5", "xlam",
})  # fmt: skip
"""Without those that `--tool-parser-plugin` brings."""
WITHOUT_FLOAT16 = frozenset({"gemma2", "gemma3", "gemma3_text", "glm4"})
"""Values of `model_type` of models that are not run in float16."""
ROPE_TYPES = frozenset({
    "bailing_mrope", "deepseek_llama_scaling", "deepseek_yarn", "default", "dynamic", "linear",
    "llama3", "longrope", "mllama4", "mrope", "ntk", "openpangu", "proportional", "su",
    "telechat3-yarn", "yarn", ROPE_BY_LAYER,
})  # fmt: skip
"""Of `get_rope`, with the older names that vLLM reads as one of them."""
