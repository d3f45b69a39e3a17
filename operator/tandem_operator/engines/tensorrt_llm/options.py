"""Options of `trtllm-serve`, which are how `engine.args` are written under both servers."""

from tandem_operator.engines.pod.flags import OwnedFlag

OWNED = (
    OwnedFlag("config", "use spec.speculation, and the options of trtllm-serve in engine.args"),
    OwnedFlag("extra-llm-api-options", "use spec.speculation, and the options of trtllm-serve"),
    OwnedFlag("tokenizer", "set spec.target.tokenizer; the lock stands on it"),
    OwnedFlag("custom-tokenizer", "remove it; the lock stands on the tokenizer"),
    OwnedFlag("served-model-name", "set spec.target.servedName"),
    OwnedFlag("host", "remove it; the engine listens on every address of its pod"),
    OwnedFlag("port", "remove it; the Service forwards to port 8000"),
    OwnedFlag("grpc", "remove it; probes and the page need HTTP"),
    OwnedFlag("backend", "remove it; the methods are those of the PyTorch backend"),
    OwnedFlag("revision", "set spec.target.revision"),
    OwnedFlag("hf-revision", "set spec.target.revision"),
    OwnedFlag("tensor-parallel-size", "set spec.parallelism.tensor"),
    OwnedFlag("tp-size", "set spec.parallelism.tensor"),
    OwnedFlag("pipeline-parallel-size", "set spec.parallelism.pipeline"),
    OwnedFlag("pp-size", "set spec.parallelism.pipeline"),
    OwnedFlag("context-parallel-size", "set spec.parallelism.tensor; its GPUs are those counted"),
    OwnedFlag("cp-size", "set spec.parallelism.tensor; its GPUs are those counted"),
    OwnedFlag("num-serve-frontends", "remove it; the page is that of one front end"),
    OwnedFlag("trust-remote-code", "set spec.tokenizerLock.allowRemoteCode"),
    OwnedFlag("server-role", "remove it; every replica serves whole requests"),
    OwnedFlag("metadata-server-config-file", "remove it; every replica serves whole requests"),
    OwnedFlag("disagg-cluster-uri", "remove it; every replica serves whole requests"),
)

IN_TRITON: dict[str, tuple[tuple[str, ...], type]] = {
    "max-batch-size": (("max_batch_size",), int),
    "max-num-tokens": (("max_num_tokens",), int),
    "max-seq-len": (("max_seq_len",), int),
    "max-beam-width": (("max_beam_width",), int),
    "moe-expert-parallel-size": (("moe_expert_parallel_size",), int),
    "ep-size": (("moe_expert_parallel_size",), int),
    "free-gpu-memory-fraction": (("kv_cache_config", "free_gpu_memory_fraction"), float),
    "kv-cache-free-gpu-memory-fraction": (("kv_cache_config", "free_gpu_memory_fraction"), float),
    "kv-cache-dtype": (("kv_cache_config", "dtype"), str),
    "enable-chunked-prefill": (("enable_chunked_prefill",), bool),
    "enable-attention-dp": (("enable_attention_dp",), bool),
}
"""Options that are keys of the LLM API, so that Triton's model takes them: the key's path and type.
"""


def in_triton(arguments: tuple[str, ...]) -> tuple[dict[str, object], tuple[int, ...]]:
    """The LLM API's keys that `arguments` set, and the indices of those that set none."""
    keys: dict[str, object] = {}
    unknown: list[int] = []
    index = 0
    while index < len(arguments):
        at, word = index, arguments[index]
        index += 1
        option, separator, value = word.partition("=")
        known = IN_TRITON.get(option.removeprefix("--").replace("_", "-"))
        if known is None or not option.startswith("--"):
            unknown.append(at)
            continue
        path, kind = known
        if kind is bool:
            parsed: object = None if separator else True
        else:
            if not separator and index < len(arguments):
                value = arguments[index]
                index += 1
            parsed = _parsed(kind, value)
        if parsed is None:
            unknown.append(at)
            continue
        section = keys
        for key in path[:-1]:
            section = section.setdefault(key, {})  # type: ignore[assignment]
        section[path[-1]] = parsed
    return keys, tuple(unknown)


def _parsed(kind: type, text: str) -> object:
    """The value, None where the text is none of its kind."""
    try:
        return kind(text) if text and "$(" not in text else None
    except ValueError:
        return None
