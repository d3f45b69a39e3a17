"""Keeps the second runner's draft model from drafting more tokens than a step asks for.

vLLM's loop over draft tokens always goes to the deepest K. Its bound is an attribute, and no CUDA
graph holds the loop, so the attribute follows K for the length of a call. One pass always remains:
without it the draft's KV cache would miss what the target has accepted.

All ranks of a tensor-parallel engine must draft alike, so whether to follow is decided once, when
the drafter is made, from what is the same in all of them.
"""

from __future__ import annotations

import inspect
import json
import logging
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from tandem_runtime.contract.engines import vllm_capabilities as vllm

_FOLLOWED_CLASS = "StandaloneARSpeculator"
_BOUND = "num_speculative_steps"
_ASKED = "num_speculative_tokens"
_PACKAGE = "vllm.v1.worker.gpu.spec_decode"
_HOLDERS = (_PACKAGE, "vllm.v1.worker.gpu.model_runner")
"""Modules that hold the maker of drafters under its own name once they are loaded."""
_WRAPPED = "_tandem_follows"
_PATTERN = "drafter-*.json"

_log = logging.getLogger("vllm.tandem")


def install(version: tuple[int, int] | None, folder: Path) -> None:
    """Have every drafter that this process makes follow K where it can.

    Each leaves word in `folder`, for the scheduler's process to read. Raises ImportError on a vLLM
    without the second runner.
    """
    from vllm.v1.worker.gpu import spec_decode

    original = spec_decode.init_speculator
    if getattr(original, _WRAPPED, False):
        return

    @wraps(original)
    def init_speculator(vllm_config: Any, *arguments: Any, **options: Any) -> Any:
        drafter = original(vllm_config, *arguments, **options)
        if type(drafter).__name__ == _FOLLOWED_CLASS:
            reason = objection(drafter, version)
            if not reason:
                drafter.propose = following(drafter, drafter.propose)
            _leave_word(folder, vllm_config.parallel_config, reason)
        return drafter

    setattr(init_speculator, _WRAPPED, True)
    for name in _HOLDERS:
        if hasattr(sys.modules.get(name), original.__name__):
            setattr(sys.modules[name], original.__name__, init_speculator)


def objection(drafter: Any, version: tuple[int, int] | None) -> str:
    """Why this drafter is left as it is; "" where it may follow K.

    Known versions only, and of those only the code that was read: another bound of the loop, or
    CUDA graphs around it, would make a lower bound wrong or without effect.
    """
    cls = type(drafter)
    if version is None or not vllm.plugin_follows(version, vllm.V2, "draft_model"):
        return "a version of vLLM whose drafter was not read"
    if getattr(drafter, "dp_size", None) != 1:
        return "data-parallel ranks must draft alike"
    deepest, drafts = getattr(drafter, _BOUND, None), getattr(drafter, "draft_tokens", None)
    if not isinstance(deepest, int) or drafts is None or drafts.shape[1] != deepest:
        return "the drafter keeps its depth elsewhere"
    loop = getattr(cls, "_multi_step_decode", None)
    if loop is None or _BOUND not in loop.__code__.co_names:
        return "the drafter's loop has another bound"
    if _ASKED not in inspect.signature(cls.propose).parameters:
        return "the drafter is not told K"
    if cls.capture.__code__.co_names:
        return "CUDA graphs hold the drafter's loop"
    return ""


def following(drafter: Any, propose: Callable[..., Any]) -> Callable[..., Any]:
    """`propose` of a drafter, with as many passes as its step asks for and one at least."""
    deepest: int = getattr(drafter, _BOUND)

    @wraps(propose)
    def as_deep_as_asked(input_batch: Any, *arguments: Any, **options: Any) -> Any:
        asked = options.get(_ASKED)
        if not isinstance(asked, int) or asked >= deepest or options.get("dummy_run"):
            return propose(input_batch, *arguments, **options)
        setattr(drafter, _BOUND, max(asked, 1))
        try:
            propose(input_batch, *arguments, **options)
        finally:
            setattr(drafter, _BOUND, deepest)
        # Always all columns: the runner would spread a single one over the others.
        return drafter.draft_tokens[: input_batch.num_reqs]

    return as_deep_as_asked


def word(folder: Path) -> str | None:
    """What the workers said of their drafters: "" if all follow, an objection, None if none did."""
    reasons = []
    for path in sorted(folder.glob(_PATTERN)):
        try:
            reasons.append(str(json.loads(path.read_text())["reason"]))
        except (OSError, ValueError, KeyError, TypeError):
            reasons.append(f"{path.name} cannot be read")
    return max(reasons, default=None)


def _leave_word(folder: Path, parallel: Any, reason: str) -> None:
    """One file a rank, written again at each start."""
    rank = f"{getattr(parallel, 'data_parallel_index', 0)}-{getattr(parallel, 'rank', 0)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".drafter-{rank}"
        temporary.write_text(json.dumps({"reason": reason}))
        temporary.replace(folder / f"drafter-{rank}.json")
    except OSError as error:
        _log.warning("tandem: the drafter's word cannot be left: %r", error)
    if reason:
        _log.warning("tandem: the draft makes all its drafts at any K: %s", reason)
