"""Engine arguments, variables and keys that are the operator's."""

from __future__ import annotations

from typing import Any

from tests.cluster.bad_manifests.case import Bad

ARGUMENTS = "InvalidArguments"


def _argument(argument: str, remedy: str) -> Bad:
    return Bad(
        f"the argument {argument}",
        {"engine.args": ["--dtype=float32", argument]},
        "spec.engine.args[1]",
        argument,
        remedy,
        ARGUMENTS,
    )


SPELLINGS = (
    _argument("--model=org/other", "set spec.target.uri"),
    _argument("--mod=org/other", "set spec.target.uri"),
    _argument("--tokenizer", "put the tokenizer's files beside the target's weights"),
    _argument("--tokenizer_revision=main", "set spec.target.revision"),
    _argument("--tok", "put the tokenizer's files beside the target's weights"),
    _argument("--skip-tokenizer-init", "the lock stands on the tokenizer"),
    _argument("--revision=main", "set spec.target.revision"),
    _argument("--code_revision=main", "set spec.target.revision"),
    _argument("--speculative-config={}", "use spec.speculation"),
    _argument("--speculative_config", "use spec.speculation"),
    _argument("--speculative-config.method=ngram", "use spec.speculation"),
    _argument("--speculative_config.draft_model+=x", "use spec.speculation"),
    _argument("--specul", "use spec.speculation"),
    _argument("-sc", "use spec.speculation"),
    _argument("-sc.method", "use spec.speculation"),
    _argument("--spec-model=org/other", "use spec.speculation"),
    _argument("--spec_tokens=9", "use spec.speculation"),
    _argument("--scheduler-cls=my.Scheduler", "the plugin chooses the scheduler"),
    _argument("--scheduler_c", "the plugin chooses the scheduler"),
    _argument("--host=127.0.0.1", "the engine listens on every address of its pod"),
    _argument("--port", "the Service forwards to port 8000"),
    _argument("--uds=/tmp/socket", "the engine listens on port 8000"),
    _argument("--ssl-keyfile=/key", "end TLS in front of the Service"),
    _argument("--config=/etc/engine.yaml", "write the options into spec.engine.args"),
    _argument("--served_model_name=gpt", "set spec.target.servedName"),
    _argument("--hf-overrides={}", "the lock must see them"),
    _argument("--hf-overrides.vocab_size=9", "the lock must see them"),
    _argument("--load-format=pt", "use safetensors weights"),
    _argument("--disable-log-stats", "the tuner reads these metrics"),
    _argument("--no-disable-log-stats", "the tuner reads these metrics"),
    _argument("--trust-remote-code", "set spec.tokenizerLock.allowRemoteCode"),
    _argument("--trust_remote_code", "set spec.tokenizerLock.allowRemoteCode"),
    _argument("--tru", "set spec.tokenizerLock.allowRemoteCode"),
    _argument("--tensor-parallel-size=2", "set spec.parallelism.tensor"),
    _argument("-tp", "set spec.parallelism.tensor"),
    _argument("-pp=2", "set spec.parallelism.pipeline"),
    _argument("--data-parallel-size=2", "set spec.parallelism.data"),
    _argument("--data_parallel_rank=1", "set spec.parallelism.data"),
    _argument("-dp", "set spec.parallelism.data"),
    _argument("-dpr=1", "set spec.parallelism.data"),
    _argument("$(OWN)", "write --option=$(NAME)"),
    _argument("--$(OWN)=x", "write --option=$(NAME)"),
)
"""Owned flags as vLLM's parser takes them: full, shortened, underscored, dotted, short, negated.

The last two become whatever a variable of the container holds.
"""


def _variable(name: str) -> Bad:
    return Bad(
        f"the variable {name}",
        {"engine.env": [{"name": name, "value": "x"}]},
        "spec.engine.env[0].name",
        name,
        "remove it",
        ARGUMENTS,
    )


def _key(key: str, value: Any, expected: str, remedy: str) -> Bad:
    return Bad(
        f"the key {key} of the engine's configuration",
        {"speculation.engineConfig": {key: value}},
        f"spec.speculation.engineConfig.{key}",
        expected,
        remedy,
        ARGUMENTS,
    )


OWNED = (
    _variable("PYTHONPATH"),
    _variable("VLLM_PLUGINS"),
    _variable("VLLM_SERVER_DEV_MODE"),
    _variable("PROMETHEUS_MULTIPROC_DIR"),
    _variable("HF_ENDPOINT"),
    _variable("TANDEM_LOCK"),
    _key("model", "org/other", '"org/other"', "set spec.draft.uri"),
    _key("num_speculative_tokens", 9, "9", "set spec.speculation.maxTokens"),
    _key("rejection_sample_method", "synthetic", '"synthetic"', "use standard or block"),
)
"""Variables and keys that are the operator's."""
