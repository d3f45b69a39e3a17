"""What one request asks for: no speculation, or a segment of traffic.

Read once when the request arrives. The marks travel in vLLM's `vllm_xargs` (`extra_args`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tandem_runtime.contract.metrics import CAUSE_CONSTRAINED, CAUSE_REQUEST
from tandem_runtime.contract.table import SEGMENT_NAME
from tandem_runtime.vllm.plan import Plan

SPECULATION = "tandem_speculation"
"""`"off"`: this request runs without speculation."""
SEGMENT = "tandem_segment"
CONSTRAINED = "tandem_constrained"
"""Set by the API process on requests with tools, whose constraint the scheduler cannot see."""


class Terms(NamedTuple):
    """What a request asks for; the segment is "" for most."""

    off: bool = False
    constrained: bool = False
    segment: str = ""


PLAIN = Terms()


def terms_of(request: Any) -> Terms:
    """The terms of a vLLM request. An unknown mark is no mark."""
    constrained = bool(request.use_structured_output)
    parameters = request.sampling_params
    marks = None if parameters is None else parameters.extra_args
    if not marks:
        return Terms(constrained=True) if constrained else PLAIN
    segment = marks.get(SEGMENT)
    if not (isinstance(segment, str) and SEGMENT_NAME.fullmatch(segment)):
        segment = ""
    return Terms(
        off=marks.get(SPECULATION) == "off",
        constrained=constrained or bool(marks.get(CONSTRAINED)),
        segment=segment,
    )


def cap_of(terms: Terms, plan: Plan | None) -> int | None:
    """Most drafts a step that the request may have; None: as many as K says.

    Before the first table constrained requests are bypassed: that is the table's own default.
    """
    if bypass_cause(terms, plan) is not None:
        return 0
    if plan is None or not terms.segment:
        return None
    return plan.segment_caps.get(terms.segment)


def bypass_cause(terms: Terms, plan: Plan | None) -> str | None:
    """Why the request runs without speculation; None when it does not."""
    if terms.off:
        return CAUSE_REQUEST
    if terms.constrained and (plan is None or plan.bypasses):
        return CAUSE_CONSTRAINED
    return None
