"""Ask a hub again where an answer may be better a moment later: too many requests, broken, away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")
WAITS_S = (0.2, 0.8, 2.0)
"""Between the tries. A longer absence is for the one who runs the inspection to wait out."""
MAX_ASKED_WAIT_S = 20.0
"""A hub that asks for more (`Retry-After`) is told to the caller instead."""
_PASSING = (408, 429, 500, 502, 503, 504)


def patiently(ask: Callable[[], Answer], sleep: Callable[[float], None] = time.sleep) -> Answer:
    """The answer of `ask`, which is tried again after each of WAITS_S or as long as a hub asks.

    Raises:
        HfHubHTTPError, LocalEntryNotFoundError, httpx.HTTPError: the last one, or at once one that
            no wait changes.
    """
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    for wait_s in WAITS_S:
        try:
            return ask()
        except HfHubHTTPError as error:
            if error.response.status_code not in _PASSING:
                raise
            asked_s = asked_wait_s(error)
            if asked_s is not None and asked_s > MAX_ASKED_WAIT_S:
                raise
            sleep(max(wait_s, asked_s or 0.0))
        except (httpx.TransportError, LocalEntryNotFoundError):
            # The second is how the client tells that it could not ask for a file.
            sleep(wait_s)
    return ask()


def asked_wait_s(error: object) -> float | None:
    """Seconds that the hub's `Retry-After` asks for, None where it asks for none in seconds."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    value = headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None
