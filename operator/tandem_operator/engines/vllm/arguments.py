"""How vLLM is started: the words of its command line, the draft's configuration among them."""

import json
from typing import Any

from tandem_operator.api.spec import Spec
from tandem_operator.engines import flags, tiers
from tandem_operator.engines.launch import Launch
from tandem_operator.engines.vllm.methods import FIXED_DEPTH, METHODS
from tandem_runtime.contract import paths

PORT = 8000
DEFAULT_MAX_BATCH = 256


def depths_of(spec: Spec, initial_tokens: int) -> tuple[int, ...]:
    """The K values that the engine is started with."""
    if spec.speculation.method in FIXED_DEPTH:
        return (0, spec.speculation.max_tokens)
    return tiers.tiers(spec.speculation.max_tokens, initial_tokens)


def arguments(launch: Launch, depths: tuple[int, ...]) -> list[str]:
    spec = launch.spec
    words = [
        paths.TARGET,
        f"--served-model-name={launch.values.served_name}",
        "--host=0.0.0.0",
        f"--port={PORT}",
    ]
    if spec.parallelism.tensor > 1:
        words.append(f"--tensor-parallel-size={spec.parallelism.tensor}")
    if spec.parallelism.pipeline > 1:
        words.append(f"--pipeline-parallel-size={spec.parallelism.pipeline}")
    if spec.parallelism.data > 1:
        words.append(f"--data-parallel-size={spec.parallelism.data}")
    if spec.tokenizer_lock.allow_remote_code:
        words.append("--trust-remote-code")
    if not launch.without_speculation:
        words.append(f"--speculative-config={json.dumps(_speculative(launch, depths))}")
    return words


def _speculative(launch: Launch, depths: tuple[int, ...]) -> dict[str, Any]:
    spec = launch.spec
    speculation = spec.speculation
    config: dict[str, Any] = dict(speculation.engine_config or {})
    config["method"] = METHODS[speculation.method]
    config["num_speculative_tokens"] = speculation.max_tokens
    if spec.draft is not None:
        config["model"] = paths.DRAFT
    if speculation.draft_tensor_parallel is not None:
        config["draft_tensor_parallel_size"] = speculation.draft_tensor_parallel
    if speculation.n_gram is not None:
        if speculation.n_gram.min_lookup is not None:
            config["prompt_lookup_min"] = speculation.n_gram.min_lookup
        if speculation.n_gram.max_lookup is not None:
            config["prompt_lookup_max"] = speculation.n_gram.max_lookup
    # Data-parallel engines drop a start schedule, so none is given to them.
    if speculation.method not in FIXED_DEPTH and spec.parallelism.data == 1:
        config["num_speculative_tokens_per_batch_size"] = [
            list(entry)
            for entry in tiers.start_schedule(
                depths, launch.values.initial_tokens, _max_batch(spec)
            )
        ]
    return config


def _max_batch(spec: Spec) -> int:
    """Requests in one step at most, as vLLM is told; its own default otherwise."""
    given = flags.value_of(spec.engine.args, "max-num-seqs")
    return int(given) if given is not None and given.isdigit() else DEFAULT_MAX_BATCH
