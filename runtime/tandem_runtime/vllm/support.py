"""What the vLLM at hand offers for changing K while it runs.

Looks at a scheduler that vLLM has built; never raises on one that it does not know.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tandem_runtime.contract import metrics

_NEEDED = ("requests", "running", "waiting", "num_spec_tokens", "vllm_config")
_HOOKED = ("add_request", "schedule", "update_from_output", "_update_after_schedule")
DRAFTS_ALWAYS_ALL = frozenset({"suffix", "medusa", "ngram_gpu"})
"""Methods that assert on a smaller K: what they draft can only be cut afterwards."""
V2_DRAFTS_ALWAYS_ALL = frozenset({"draft_model", "ngram"})
"""Methods whose drafter in the second model runner drafts all tokens whatever K says."""


class Support(NamedTuple):
    """A mode of the metrics contract, and why it is not `lookup`."""

    mode: str
    reason: str = ""


def support_of(scheduler: Any) -> Support:
    """The best mode that this scheduler allows."""
    missing = [name for name in (*_NEEDED, *_HOOKED) if not hasattr(scheduler, name)]
    if missing:
        return Support(metrics.MODE_DISABLED, f"UnknownScheduler: no {', '.join(missing)}")
    speculative = getattr(scheduler.vllm_config, "speculative_config", None)
    if speculative is None or not scheduler.num_spec_tokens:
        return Support(metrics.MODE_OBSERVE, "NoSpeculation")
    parallel = getattr(scheduler.vllm_config, "parallel_config", None)
    if getattr(parallel, "pipeline_parallel_size", 1) > 1:
        return Support(metrics.MODE_OBSERVE, "PipelineParallel")
    if getattr(parallel, "data_parallel_size", 1) > 1 and _is_mixture(scheduler.vllm_config):
        # The ranks step together and must agree on K.
        return Support(metrics.MODE_OBSERVE, "DataParallelMixtureOfExperts")
    method = getattr(speculative, "method", None)
    if method in DRAFTS_ALWAYS_ALL:
        return Support(metrics.MODE_TRIM, f"MethodDraftsAll: {method}")
    if not hasattr(scheduler, "dynamic_sd_lookup"):
        return Support(metrics.MODE_TRIM, "NoDynamicSpeculation")
    if getattr(scheduler, "use_v2_model_runner", False) and method in V2_DRAFTS_ALWAYS_ALL:
        return Support(metrics.MODE_TRIM, f"MethodDraftsAll: {method} in the second model runner")
    return Support(metrics.MODE_LOOKUP)


def _is_mixture(vllm_config: Any) -> bool:
    # Not known counts as a mixture: observing is safe on both.
    return bool(getattr(getattr(vllm_config, "model_config", None), "is_moe", True))
