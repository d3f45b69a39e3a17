"""Names of what the plugin reports on the engine's /metrics.

The plugin's collector writes them and the operator's scraper reads them. Counters carry the
`_total` with which they stand on the page.
"""

from __future__ import annotations

from bisect import bisect_right

PREFIX = "tandem:"

INFO = "tandem:info"
APPLIED_GENERATION = "tandem:applied_generation"
EFFECTIVE_TOKENS = "tandem:effective_tokens"
CURRENT_TOKENS = "tandem:current_tokens"
CONTEXT_TOKENS = "tandem:context_tokens"
HEARTBEAT_SECONDS = "tandem:heartbeat_seconds"

DRAFTS = "tandem:drafts_total"
DRAFT_TOKENS = "tandem:draft_tokens_total"
ACCEPTED_TOKENS = "tandem:accepted_tokens_total"
DRAFTED_BY_POSITION = "tandem:drafted_by_position_total"
ACCEPTED_BY_POSITION = "tandem:accepted_by_position_total"

SEGMENT_DRAFTED = "tandem:segment_drafted_total"
SEGMENT_ACCEPTED = "tandem:segment_accepted_total"
SEGMENT_REJECTED_DRAFTS = "tandem:segment_rejected_drafts_total"

CELL_SERIES = {
    "steps": "tandem:cell_steps_total",
    "seconds": "tandem:cell_seconds_total",
    "seconds_squared": "tandem:cell_seconds_squared_total",
    "batch": "tandem:cell_batch_total",
    "context": "tandem:cell_context_total",
    "prefill": "tandem:cell_prefill_total",
    "verified": "tandem:cell_verified_total",
}
"""Counters by step cell (labels `batch`, `tokens`, `prefill`), by what they sum."""

REQUEST_STEPS = "tandem:request_steps_total"
REQUEST_STEP_SECONDS = "tandem:request_step_seconds_total"
ITERATIONS = "tandem:iterations_total"

BYPASSED_REQUESTS = "tandem:bypassed_requests_total"
BYPASSED_REQUEST_STEPS = "tandem:bypassed_request_steps_total"
MIXED_DEPTH_STEPS = "tandem:mixed_depth_steps_total"
"""Of the iterations, those without prefill whose decoding requests verified different numbers of
drafts: no full CUDA graph holds such a batch."""
TABLE_REFUSED = "tandem:table_refused_total"
TABLE_CLAMPED = "tandem:table_clamped_total"
PREFILL_GUESSES = "tandem:prefill_guesses_total"
PLUGIN_ERRORS = "tandem:plugin_errors_total"

MODE_LOOKUP = "lookup"
MODE_TRIM = "trim"
MODE_OBSERVE = "observe"
MODE_DISABLED = "disabled"
NO_SPECULATION = "NoSpeculation"
"""Reason of MODE_OBSERVE in an engine that was started without speculation."""

CAUSE_CONSTRAINED = "constrained"
CAUSE_REQUEST = "request"

BATCH_EDGES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 257)
"""Lower edges of the batch buckets of step cells, in decoding requests."""
OPEN_END = 1_000_000


def batch_edge(batch: int) -> int:
    """Lower edge of the bucket that holds this many decoding requests (at least 1)."""
    return BATCH_EDGES[max(bisect_right(BATCH_EDGES, batch) - 1, 0)]


def batch_top(edge: int) -> int:
    """Last batch of the bucket that begins at `edge`; the last bucket has no end."""
    place = BATCH_EDGES.index(edge) + 1
    return BATCH_EDGES[place] - 1 if place < len(BATCH_EDGES) else OPEN_END
