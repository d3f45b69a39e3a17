"""What operator and runtime agree on about TensorRT-LLM: files in a pod, releases, names."""

from __future__ import annotations

OLDEST = (1, 3)
"""The first minor release whose page tells of running requests, and whose schedule is by the
largest batch size of a range."""

CONFIG_FOLDER = "/tandem/tensorrt-llm"
LLM_FILE = "llm.json"
"""Keys of the LLM API (`TorchLlmArgs`) as the operator has them; `start` adds the depths."""
PBTXT_FILE = "config.pbtxt"

SERVE = "trtllm-serve"
TRITON = "triton"

SPECULATIVE = "speculative_config"
MAX_DRAFT_LEN = "max_draft_len"
SCHEDULE = "draft_len_schedule"

GATES = (
    ("acceptance_rate_window_size", "acceptance_rate_threshold"),
    ("acceptance_window", "acceptance_length_threshold"),
)
"""Pairs of keys by which TensorRT-LLM ends speculation for good once so many requests accepted
less; the later pair is that of release candidates of 1.3."""
