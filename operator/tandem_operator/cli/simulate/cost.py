"""What a million tokens cost: from the price of a GPU for an hour, and how busy it was."""

from __future__ import annotations

from tandem_operator.simulation.results.account import Account

HOUR_S = 3600.0
MILLION = 1e6


def cost_of(account: Account, price: float, gpus: int) -> dict[str, float] | None:
    """Price of a million output tokens, in the currency of `price`; None where none were made.

    `price` is that of one GPU for an hour, `gpus` those of one replica. `reserved`: the replica is
    paid for from start to end; `busy`: for the seconds of its steps alone, what it would cost if
    the rest of the hour served others.
    """
    if not account.generated_tokens:
        return None
    hourly = price * gpus
    millions = account.generated_tokens / MILLION
    return {
        "reserved": hourly * account.end_s / HOUR_S / millions,
        "busy": hourly * account.busy_s / HOUR_S / millions,
    }
