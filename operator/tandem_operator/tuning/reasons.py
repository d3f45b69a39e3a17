"""Why a decision was made: one documented constant a reason, reused in status, events and logs."""

from __future__ import annotations

INITIAL = "Initial"
"""Nothing measured yet: the start table, from the profile or from cautious priors."""
TUNED = "Tuned"
"""The table follows the measured model."""
HELD = "Held"
"""Nothing to learn from (no windows, a reset, lost metrics): the last table stays."""
ACCEPTANCE_BELOW_THRESHOLD = "AcceptanceBelowThreshold"
"""The acceptance rate stayed below the user's minimum for forSeconds."""
CONCURRENCY_ABOVE_THRESHOLD = "ConcurrencyAboveThreshold"
"""More decoding requests than the user's maxConcurrency: the table says 0 there."""
NOT_PROFITABLE = "NotProfitable"
"""At the present load every depth costs more time than it saves."""
KILL_SWITCH = "KillSwitch"
"""maxTokens is 0."""
IMPOSSIBLE_COUNTERS = "ImpossibleCounters"
"""Counters contradict each other or are no numbers: first held, then off."""
REVERTED = "Reverted"
"""The table was slower than predicted for three windows: back to the last good one."""

REASONS = (
    INITIAL,
    TUNED,
    HELD,
    ACCEPTANCE_BELOW_THRESHOLD,
    CONCURRENCY_ABOVE_THRESHOLD,
    NOT_PROFITABLE,
    KILL_SWITCH,
    IMPOSSIBLE_COUNTERS,
    REVERTED,
)
