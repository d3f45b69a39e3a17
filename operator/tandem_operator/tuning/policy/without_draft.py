"""What a draft would bring, asked while none is loaded: from what was learned when one was."""

from __future__ import annotations

from tandem_operator.tuning.settings import GOODPUT, Settings
from tandem_operator.tuning.state import State
from tandem_operator.tuning.table import row_of
from tandem_operator.tuning.tune import start_table


def tokens_worth(learned: State, batch: float, settings: Settings) -> int:
    """K that the last table with a draft gives so many decoding requests; 0: none.

    None where a guardrail stood against it: neither the acceptance that turned speculation off
    nor the user's limits are known to have changed.
    """
    limit = settings.max_concurrency
    if learned.guardrail.off or not settings.max_tokens or (limit is not None and batch > limit):
        return 0
    table = learned.table if settings.policy == GOODPUT else start_table(settings)
    return min(table[row_of(batch)], settings.max_tokens)
