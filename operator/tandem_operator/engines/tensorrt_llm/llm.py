"""The keys of TensorRT-LLM's LLM API that a launch stands for, without the depths of a table."""

from typing import Any

from tandem_operator.engines.interface.launch import Launch
from tandem_operator.engines.tensorrt_llm import options
from tandem_operator.engines.tensorrt_llm.methods import METHODS, WITHOUT_OVERLAP
from tandem_runtime.contract import paths
from tandem_runtime.contract.engines.tensorrt_llm import MAX_DRAFT_LEN, SPECULATIVE


def keys(launch: Launch) -> dict[str, Any]:
    """What both servers are given: speculation, and the statistics that the page is made of."""
    made: dict[str, Any] = {"enable_iter_perf_stats": True, "return_perf_metrics": True}
    if launch.without_speculation:
        return made
    if launch.spec.speculation.method in WITHOUT_OVERLAP:
        made["disable_overlap_scheduler"] = True
    return {**made, SPECULATIVE: _speculative(launch)}


def in_triton(launch: Launch) -> dict[str, Any]:
    """As `keys`, with what `trtllm-serve` has from its command line."""
    spec = launch.spec
    of_user, _ = options.in_triton(spec.engine.args)
    made = {
        **of_user,
        **keys(launch),
        "backend": "pytorch",
        "model": paths.TARGET,
        "tensor_parallel_size": spec.parallelism.tensor,
        "pipeline_parallel_size": spec.parallelism.pipeline,
    }
    if spec.tokenizer_lock.allow_remote_code:
        made["trust_remote_code"] = True
    return made


def _speculative(launch: Launch) -> dict[str, Any]:
    spec, speculation = launch.spec, launch.spec.speculation
    made: dict[str, Any] = {
        **(speculation.engine_config or {}),
        "decoding_type": METHODS[speculation.method],
        MAX_DRAFT_LEN: speculation.max_tokens,
    }
    if spec.draft is not None:
        made["speculative_model"] = paths.DRAFT
    if speculation.n_gram is not None and speculation.n_gram.max_lookup is not None:
        made["max_matching_ngram_size"] = speculation.n_gram.max_lookup
    return made
