"""What a hub refuses, in the lock's terms and with a remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tandem_runtime.contract.environment import HF_TOKEN as TOKEN
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.errors import CannotInspectError
from tandem_runtime.lock.sources.access import Access
from tandem_runtime.lock.sources.hub.retry import asked_wait_s

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError


@contextmanager
def translate_errors(uri: str, revision: str | None, access: Access) -> Iterator[None]:
    """Turn the hub's refusals into ModelNotFound, AccessDenied and LockFailed with a remedy."""
    import httpx
    from huggingface_hub import errors

    def cannot(reason: str, message: str) -> CannotInspectError:
        return CannotInspectError(reason, f"{uri}: {message}")

    try:
        yield
    except errors.GatedRepoError as error:
        raise cannot(
            lock_errors.ACCESS_DENIED,
            "gated: accept the model's terms on the hub with the account of "
            f"{access.place_of(TOKEN)}"
            if access.with_secret
            else "gated: accept the model's terms on the hub, and with that account's token "
            f"{access.give(TOKEN)}",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise cannot(lock_errors.MODEL_NOT_FOUND, f"has no revision {revision!r}") from error
    except errors.DisabledRepoError as error:
        raise cannot(
            lock_errors.ACCESS_DENIED, "is disabled on the hub: use another model"
        ) from error
    except errors.HfHubHTTPError as error:
        raise cannot(*_of_answer(error, access)) from error
    except errors.HFValidationError as error:
        raise cannot(
            lock_errors.MODEL_NOT_FOUND, f"is no name of a repository ({error})"
        ) from error
    except errors.LocalEntryNotFoundError as error:
        if isinstance(error.__cause__, errors.HfHubHTTPError):
            raise cannot(*_of_answer(error.__cause__, access)) from error
        raise cannot(lock_errors.LOCK_FAILED, f"cannot be downloaded ({_line(error)})") from error
    except (httpx.HTTPError, OSError) as error:
        raise cannot(
            lock_errors.LOCK_FAILED,
            f"the hub cannot be reached ({type(error).__name__}: {_line(error)})",
        ) from error


def _line(error: Exception) -> str:
    """One line, without the queries of addresses: those may be signed."""
    return re.sub(r"\?\S+", "", " ".join(str(error).split()))[:200]


def _of_answer(error: HfHubHTTPError, access: Access) -> tuple[str, str]:
    status = error.response.status_code
    if status == 404:
        return lock_errors.MODEL_NOT_FOUND, "does not exist on the hub"
    if status == 401:
        return lock_errors.ACCESS_DENIED, (
            f"the hub refuses the token (401): renew {access.place_of(TOKEN)}"
            if access.with_secret
            else "private, or it does not exist; a hub does not tell strangers which (401): check "
            f"the name, or {access.give(TOKEN)}"
        )
    if status == 403:
        return lock_errors.ACCESS_DENIED, (
            "the token may not read it (403): give it access, or use another account's token"
        )
    if status == 429:
        asked_s = asked_wait_s(error)
        later = "later" if asked_s is None else f"in {asked_s:.0f} s"
        return lock_errors.LOCK_FAILED, (
            f"the hub has too many requests from here (429): it is tried again {later}"
            + ("" if access.with_secret else f"; with {access.place_of(TOKEN)} more are allowed")
        )
    return lock_errors.LOCK_FAILED, f"the hub answered {status}"
