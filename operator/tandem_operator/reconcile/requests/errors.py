"""Errors of a write, by what happens next."""

from __future__ import annotations

import json
from typing import Any


class RetryError(Exception):
    """Nothing is wrong with what we wanted: the API server was down or somebody was faster.

    `code` is the HTTP status of the answer, 504 where none came in time, None without one;
    `message` the API server's own words.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message if code is None else f"{code}: {message}")
        self.code = code
        self.message = message


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


class LeavingError(Exception):
    """The namespace is being deleted: nothing can be made in it any more."""


class NotLeadingError(Exception):
    """The Lease is not ours any more, so nothing may be written."""


NOT_FOUND = 404
CONFLICT = 409
TIMED_OUT = 504
LEAVING = "NamespaceTerminating"
FINAL_CODES = frozenset({400, 403, 413, 422})


def of_answer(code: int, body: Any) -> Exception:
    """The error for an HTTP status; 409, 429 and everything of the server's own are tried again."""
    message = message_of(body)
    if LEAVING in _causes(body):
        return LeavingError(message)
    if code in FINAL_CODES:
        return RefusedError(code, message)
    if code == NOT_FOUND:
        return AbsentError(message, code)
    return RetryError(message, code)


def message_of(body: Any) -> str:
    """The message of a Status object, or the text itself."""
    try:
        return str(_read(body)["message"])
    except (TypeError, ValueError, KeyError):
        text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
        return text.strip()[:500]


def _causes(body: Any) -> set[str]:
    try:
        return {str(each.get("reason")) for each in _read(body)["details"]["causes"]}
    except (TypeError, ValueError, KeyError, AttributeError):
        return set()


def _read(body: Any) -> Any:
    return json.loads(body)
