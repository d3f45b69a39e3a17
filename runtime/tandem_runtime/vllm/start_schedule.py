"""Takes a start schedule from a vLLM on which it would break something.

Before 0.32 the second runner fails at capture with one, and hybrid models read stale state where
it lowers K. The operator gives none where the image's tag tells the version; here vLLM tells it.
"""

from __future__ import annotations

import logging
from functools import wraps
from typing import Any

from tandem_runtime.contract.engines import vllm_capabilities as vllm

_SCHEDULE = "num_speculative_tokens_per_batch_size"
_DEEPEST = "num_speculative_tokens"
_WRAPPED = "_tandem_start"

_log = logging.getLogger("vllm.tandem")


def fixed(options: dict[str, Any]) -> dict[str, Any]:
    """A speculative configuration without schedule, whose one K is the schedule's first."""
    schedule = options.get(_SCHEDULE)
    if not schedule:
        return options
    first = int(schedule[0][2])
    kept = {name: value for name, value in options.items() if name != _SCHEDULE}
    return {**kept, _DEEPEST: first} if first > 0 else kept


def take_away(version: tuple[int, int] | None) -> None:
    """Have this process build every speculative configuration without a schedule, on such a vLLM.

    Raises ImportError where vLLM has no such configuration.
    """
    if version is None or version >= vllm.LIVE_FROM:
        return
    from vllm.config import SpeculativeConfig

    original = SpeculativeConfig.__init__
    if getattr(original, _WRAPPED, False):
        return

    @wraps(original)
    def __init__(self: Any, *arguments: Any, **options: Any) -> None:  # noqa: N807
        without = fixed(options)
        if without is not options:
            _log.warning(
                "tandem: vLLM %s.%s takes no start schedule; K is %s",
                *version,
                without.get(_DEEPEST),
            )
        original(self, *arguments, **without)

    setattr(__init__, _WRAPPED, True)
    SpeculativeConfig.__init__ = __init__
