"""What each series of the plugin means: its HELP line, and its row in docs/metrics.md."""

from __future__ import annotations

from collections.abc import Mapping

from tandem_runtime.contract import metrics

HELP: Mapping[str, str] = {
    metrics.INFO: "1. What the plugin does: its mode is lookup, trim, observe or disabled.",
    metrics.APPLIED_GENERATION: "Generation of the table in force; -1 where there is none, as in "
    "the modes observe and disabled.",
    metrics.EFFECTIVE_TOKENS: "K in force, by range of decoding requests.",
    metrics.CURRENT_TOKENS: "K of the last decoding step, from the drafts that were scheduled.",
    metrics.CONTEXT_TOKENS: "Context tokens of the running requests.",
    metrics.HEARTBEAT_SECONDS: "Age of the last report of the scheduler's process.",
    metrics.DRAFTS: "Drafts, each of one request in one step.",
    metrics.DRAFT_TOKENS: "Tokens drafted.",
    metrics.ACCEPTED_TOKENS: "Drafted tokens that the target accepted.",
    metrics.DRAFTED_BY_POSITION: "Drafts that reached this position, counted from 0.",
    metrics.ACCEPTED_BY_POSITION: "Drafts whose token at this position was accepted.",
    metrics.SEGMENT_DRAFTED: "Tokens drafted for requests of one traffic segment.",
    metrics.SEGMENT_ACCEPTED: "Drafted tokens of one traffic segment that were accepted.",
    metrics.SEGMENT_REJECTED_DRAFTS: "Drafts of one traffic segment that ended in a rejection.",
    **{
        name: f"{text}, by step cell."
        for name, text in {
            metrics.CELL_SERIES["steps"]: "Steps",
            metrics.CELL_SERIES["seconds"]: "Sum of step times in seconds",
            metrics.CELL_SERIES["seconds_squared"]: "Sum of squared step times",
            metrics.CELL_SERIES["batch"]: "Decoding requests, summed over steps",
            metrics.CELL_SERIES["context"]: "Context tokens, summed over steps",
            metrics.CELL_SERIES["prefill"]: "Prefill tokens, summed over steps",
            metrics.CELL_SERIES["verified"]: "Verified tokens, summed over steps",
        }.items()
    },
    metrics.REQUEST_STEPS: "Decoding requests, summed over all steps.",
    metrics.REQUEST_STEP_SECONDS: "Step times in seconds, each counted once for every decoding "
    "request of its step.",
    metrics.ITERATIONS: "Steps of the engine.",
    metrics.BYPASSED_REQUESTS: "Requests without speculation: their output is constrained, or the "
    "request asked for it.",
    metrics.BYPASSED_REQUEST_STEPS: "Steps of bypassed requests.",
    metrics.MIXED_DEPTH_STEPS: "Steps without prefill whose requests verified different numbers of "
    "drafts: no full CUDA graph holds such a batch.",
    metrics.TABLE_REFUSED: "Table files that were refused: missing, kind, unreadable, invalid, "
    "lock or stale; with an actuator also engine (it did not take the table) and readback (it "
    "would have used another K, and the former table was restored).",
    metrics.TABLE_CLAMPED: "Ranges of tables whose K was lowered to the engine's deepest.",
    metrics.PREFILL_GUESSES: "Whether a step's prefill was foreseen (hit or miss), while the "
    "table has a prefillSchedule.",
    metrics.PLUGIN_ERRORS: "Errors inside the plugin; the engine served on.",
}
