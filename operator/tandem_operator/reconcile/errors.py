"""Errors of a write, by what happens next."""

from __future__ import annotations

import json
from typing import Any


class RetryError(Exception):
    """Nothing is wrong with what we wanted: the API server was down or somebody was faster."""


class AbsentError(RetryError):
    """Not found: the namespace is gone, or the API server does not serve the kind any more."""


class RefusedError(Exception):
    """The API server understood and refuses; the same write will be refused again.

    `code` is the HTTP status, `message` the API server's own words.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class NotLeadingError(Exception):
    """The Lease is not ours any more, so nothing may be written."""


NOT_FOUND = 404
FINAL_CODES = frozenset({400, 403, 413, 422})


def of_answer(code: int, body: Any) -> Exception:
    """The error for an HTTP status; 409, 429 and everything of the server's own are tried again."""
    message = said(body)
    if code in FINAL_CODES:
        return RefusedError(code, message)
    if code == NOT_FOUND:
        return AbsentError(f"{code}: {message}")
    return RetryError(f"{code}: {message}")


def said(body: Any) -> str:
    """The message of a Status object, or the text itself."""
    if isinstance(body, bytes):
        body = body.decode(errors="replace")
    try:
        return str(json.loads(body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(body)[:500]
