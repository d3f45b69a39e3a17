"""What one request asks for: no speculation, shallower drafts, or a segment of traffic.

Read once when the request arrives, from the marks that it carries (in vLLM its own fields or its
`vllm_xargs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tandem_runtime.contract.metrics import CAUSE_CONSTRAINED, CAUSE_REQUEST
from tandem_runtime.contract.table import MAX_TOKENS, SEGMENT_NAME
from tandem_runtime.plugin.table.plan import Plan

SPECULATION = "tandem_speculation"
"""`"off"`: this request runs without speculation; `"on"`: as if it said nothing."""
MAX_DRAFT_TOKENS = "tandem_max_draft_tokens"
"""At most so many drafted tokens a step; 0 is the same as `"off"`."""
SEGMENT = "tandem_segment"
MARKS = (SPECULATION, MAX_DRAFT_TOKENS, SEGMENT)

ON, OFF = "on", "off"


class RequestFieldError(ValueError):
    """A mark's value means nothing. The message names the mark, its value and what it may be."""


class RequestOptions(NamedTuple):
    """What a request asks for; the segment is "" for most."""

    off: bool = False
    constrained: bool = False
    segment: str = ""
    max_draft_tokens: int | None = None


PLAIN = RequestOptions()


def options_of(marks: Mapping[str, Any] | None, constrained: bool) -> RequestOptions:
    """The options of a request with these marks. An unknown mark or value is no mark.

    Args:
        marks: what came with the request, whoever set it.
        constrained: a grammar masks what the request may generate.
    """
    if not marks:
        return RequestOptions(constrained=True) if constrained else PLAIN
    segment = marks.get(SEGMENT)
    if not (isinstance(segment, str) and SEGMENT_NAME.fullmatch(segment)):
        segment = ""
    most = _tokens(marks.get(MAX_DRAFT_TOKENS))
    return RequestOptions(
        off=marks.get(SPECULATION) == OFF or most == 0,
        constrained=constrained,
        segment=segment,
        max_draft_tokens=most,
    )


def check(marks: Mapping[str, Any]) -> None:
    """Refuse marks that would do nothing, where the client can still be told.

    Any name may be a segment: those that the table does not list count as others.

    Raises:
        RequestFieldError: a value that means nothing.
    """
    if SPECULATION in marks and marks[SPECULATION] not in (ON, OFF):
        raise RequestFieldError(
            f'{SPECULATION} is {marks[SPECULATION]!r}: give "{OFF}", or "{ON}" for the default'
        )
    if MAX_DRAFT_TOKENS in marks and _tokens(marks[MAX_DRAFT_TOKENS]) is None:
        raise RequestFieldError(
            f"{MAX_DRAFT_TOKENS} is {marks[MAX_DRAFT_TOKENS]!r}: give a whole number from 0 to "
            f"{MAX_TOKENS}"
        )


def cap_of(options: RequestOptions, plan: Plan | None) -> int | None:
    """Most drafts a step that the request may have; None: as many as K says.

    The smaller of the request's own and its segment's, taken down to a depth that the engine was
    started with. Before the first table constrained requests are bypassed: that is the table's own
    default.
    """
    if bypass_cause(options, plan) is not None:
        return 0
    most = options.max_draft_tokens
    if plan is None:
        return most
    of_segment = plan.segment_caps.get(options.segment) if options.segment else None
    caps = [cap for cap in (most, of_segment) if cap is not None]
    if not caps:
        return None
    return max((tier for tier in plan.tiers if tier <= min(caps)), default=0)


def bypass_cause(options: RequestOptions, plan: Plan | None) -> str | None:
    """Why the request runs without speculation; None when it does not."""
    if options.off:
        return CAUSE_REQUEST
    if options.constrained and (plan is None or plan.bypasses):
        return CAUSE_CONSTRAINED
    return None


def _tokens(value: object) -> int | None:
    """A number of drafted tokens, also as text; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 4:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_TOKENS else None
