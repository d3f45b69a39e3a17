"""What one request asks for: no speculation, or a segment of traffic.

Read once when the request arrives, from the marks that it carries (in vLLM its `vllm_xargs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tandem_runtime.contract.metrics import CAUSE_CONSTRAINED, CAUSE_REQUEST
from tandem_runtime.contract.table import SEGMENT_NAME
from tandem_runtime.plugin.plan import Plan

SPECULATION = "tandem_speculation"
"""`"off"`: this request runs without speculation."""
SEGMENT = "tandem_segment"
CONSTRAINED = "tandem_constrained"
"""Set by the API process on requests with tools, whose constraint the scheduler cannot see."""


class RequestOptions(NamedTuple):
    """What a request asks for; the segment is "" for most."""

    off: bool = False
    constrained: bool = False
    segment: str = ""


PLAIN = RequestOptions()


def options_of(marks: Mapping[str, Any] | None, constrained: bool) -> RequestOptions:
    """The options of a request with these marks. An unknown mark is no mark."""
    if not marks:
        return RequestOptions(constrained=True) if constrained else PLAIN
    segment = marks.get(SEGMENT)
    if not (isinstance(segment, str) and SEGMENT_NAME.fullmatch(segment)):
        segment = ""
    return RequestOptions(
        off=marks.get(SPECULATION) == "off",
        constrained=constrained or bool(marks.get(CONSTRAINED)),
        segment=segment,
    )


def cap_of(options: RequestOptions, plan: Plan | None) -> int | None:
    """Most drafts a step that the request may have; None: as many as K says.

    Before the first table constrained requests are bypassed: that is the table's own default.
    """
    if bypass_cause(options, plan) is not None:
        return 0
    if plan is None or not options.segment:
        return None
    return plan.segment_caps.get(options.segment)


def bypass_cause(options: RequestOptions, plan: Plan | None) -> str | None:
    """Why the request runs without speculation; None when it does not."""
    if options.off:
        return CAUSE_REQUEST
    if options.constrained and (plan is None or plan.bypasses):
        return CAUSE_CONSTRAINED
    return None
