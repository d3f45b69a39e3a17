"""The options of `vllm serve` that the operator sets, and what to use instead of each."""

from tandem_operator.engines.flags import OwnedFlag

OWNED_FLAGS = (
    OwnedFlag("model", "set spec.target.uri"),
    OwnedFlag("tokenizer", "set spec.target.tokenizer", family=True),
    OwnedFlag("skip-tokenizer-init", "remove it; the lock stands on the tokenizer"),
    OwnedFlag("revision", "set spec.target.revision"),
    OwnedFlag("code-revision", "set spec.target.revision"),
    OwnedFlag("speculative", "use spec.speculation", short=("-sc",), family=True),
    OwnedFlag("spec-", "use spec.speculation", family=True),
    OwnedFlag("scheduler-cls", "remove it; the plugin chooses the scheduler"),
    OwnedFlag("host", "remove it; the engine listens on every address of its pod"),
    OwnedFlag("port", "remove it; the Service forwards to port 8000"),
    OwnedFlag("uds", "remove it; the engine listens on port 8000"),
    OwnedFlag("headless", "remove it; every replica serves"),
    OwnedFlag("config", "write the options into spec.engine.args"),
    OwnedFlag("served-model-name", "set spec.target.servedName"),
    OwnedFlag("hf-overrides", "set them in the repository; the lock must see them"),
    OwnedFlag("hf-config-path", "set spec.target.uri"),
    OwnedFlag("model-class-overrides", "use a model that vLLM knows"),
    OwnedFlag("load-format", "use safetensors weights"),
    OwnedFlag("disable-log-stats", "remove it; the tuner reads these metrics"),
    OwnedFlag("tensor-parallel-size", "set spec.parallelism.tensor", short=("-tp",)),
    OwnedFlag("pipeline-parallel-size", "set spec.parallelism.pipeline", short=("-pp",)),
    OwnedFlag("data-parallel", "set spec.parallelism.data", short=("-dp",), family=True),
    OwnedFlag("trust-remote-code", "set spec.tokenizerLock.allowRemoteCode"),
    OwnedFlag("download-dir", "set spec.modelCache"),
    OwnedFlag("hf-token", "set spec.target.secretName"),
)

OWNED_CONFIG_KEYS = {
    "method": "set spec.speculation.method",
    "model": "set spec.draft.uri",
    "revision": "set spec.draft.revision",
    "code_revision": "set spec.draft.revision",
    "tokenizer": "set spec.draft.tokenizer",
    "num_speculative_tokens": "set spec.speculation.maxTokens",
    "num_speculative_tokens_per_batch_size": "use spec.tuning; the operator keeps this table",
    "prompt_lookup_min": "set spec.speculation.nGram.minLookup",
    "prompt_lookup_max": "set spec.speculation.nGram.maxLookup",
    "draft_tensor_parallel_size": "set spec.speculation.draftTensorParallel",
    "trust_remote_code": "set spec.tokenizerLock.allowRemoteCode",
    "disable_by_batch_size": "set spec.tuning.thresholds.maxConcurrency",
    "target_model_config": "remove it",
    "target_parallel_config": "remove it",
}
"""Keys of the speculative configuration that are the operator's, and what to set instead."""
