"""What the vLLM at hand offers for changing K while it runs.

Inspects a scheduler that vLLM has built and asks the contract's table; never raises on one that it
does not know.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from tandem_runtime.contract import metrics
from tandem_runtime.contract.engines import vllm_capabilities as vllm

_NEEDED = ("requests", "running", "waiting", "num_spec_tokens", "vllm_config")
_HOOKED = ("add_request", "schedule", "update_from_output", "_update_after_schedule")
_BY_STEP = "dynamic_sd_lookup"
"""The attribute of a scheduler that knows a K of its own for each step."""
_MODES = {
    vllm.NATIVE: metrics.MODE_LOOKUP,
    vllm.CUT: metrics.MODE_TRIM,
    vllm.NONE: metrics.MODE_OBSERVE,
}
_SPARSE = frozenset({"ngram", "suffix"})
"""Methods that in the first runner make only as many drafts as they find."""


class Support(NamedTuple):
    """A mode of the metrics contract, and why it is not `lookup`.

    `acts`: a table changes something here. `by_step`: K can be written into each step; otherwise
    requests' drafts can only be cut.
    `sparse`: a request may be given fewer drafts than the step asked for.
    """

    mode: str
    reason: str = ""
    acts: bool = False
    by_step: bool = False
    sparse: bool = False


def support_of(scheduler: Any, version: tuple[int, int] | None, follows: bool) -> Support:
    """The best mode that this scheduler allows.

    `follows`: the drafter of the second runner makes as many drafts as a step asks for.
    """
    missing = [name for name in (*_NEEDED, *_HOOKED) if not hasattr(scheduler, name)]
    if missing:
        return Support(metrics.MODE_DISABLED, f"UnknownScheduler: no {', '.join(missing)}")
    speculative = getattr(scheduler.vllm_config, "speculative_config", None)
    if speculative is None or not scheduler.num_spec_tokens:
        return Support(metrics.MODE_OBSERVE, metrics.NO_SPECULATION)
    setup = setup_of(scheduler, speculative, version, follows)
    sparse = setup.runner == vllm.V1 and setup.method in _SPARSE
    can = vllm.capabilities(setup)
    if can.live != vllm.NONE and not hasattr(scheduler, _BY_STEP):
        return Support(metrics.MODE_OBSERVE, f"UnknownScheduler: no {_BY_STEP}", sparse=sparse)
    return Support(_MODES[can.live], can.reason, can.live != vllm.NONE, can.by_step, sparse)


def setup_of(
    scheduler: Any, speculative: Any, version: tuple[int, int] | None, follows: bool
) -> vllm.Setup:
    """The engine in the table's words; what vLLM does not tell counts as the strict case."""
    parallel = getattr(scheduler.vllm_config, "parallel_config", None)
    model = getattr(scheduler.vllm_config, "model_config", None)
    method = str(getattr(speculative, "method", ""))
    heads = getattr(getattr(speculative, "draft_model_config", None), "hf_config", None)
    return vllm.Setup(
        version=version,
        runner=vllm.V2 if getattr(scheduler, "use_v2_model_runner", False) else vllm.V1,
        method=method,
        state=vllm.state_of(
            getattr(model, "is_hybrid", True),
            getattr(getattr(model, "hf_text_config", None), "model_type", None),
        ),
        modules=min(
            getattr(heads, "num_nextn_predict_layers", None) or 1, scheduler.num_spec_tokens
        ),
        parallel_drafting=bool(getattr(speculative, "parallel_drafting", False)),
        adaptive_verification=bool(getattr(speculative, "enable_adaptive_verification", False)),
        pipeline=getattr(parallel, "pipeline_parallel_size", 1),
        data=getattr(parallel, "data_parallel_size", 1),
        mixture_of_experts=bool(getattr(model, "is_moe", True)),
        drafter_follows=follows and method in vllm.FOLLOWED,
    )


def version_of(text: str) -> tuple[int, int] | None:
    """(major, minor) of a version as vLLM states it; None where it states none, as "dev"."""
    match = re.match(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def running_version() -> tuple[int, int] | None:
    """`version_of` the vLLM in this process; None where it states none, or there is none."""
    try:
        from vllm import __version__
    except ImportError:
        return None
    return version_of(str(__version__))
