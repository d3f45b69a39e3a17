"""What an S3 store refuses, in the lock's terms and with a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.errors import CannotInspectError
from tandem_runtime.lock.sources.access import Access

_KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_MISSING = ("NoSuchBucket", "NoSuchKey", "404", "NotFound")
_DENIED = (
    "AccessDenied", "AccountProblem", "AllAccessDisabled", "ExpiredToken", "InvalidAccessKeyId",
    "InvalidToken", "RequestTimeTooSkewed", "SignatureDoesNotMatch", "TokenRefreshRequired", "403",
)  # fmt: skip
_CHANGED = ("PreconditionFailed", "412")
_ELSEWHERE = (
    "AuthorizationHeaderMalformed",
    "PermanentRedirect",
    "301",
    "IllegalLocationConstraintException",
)


@contextmanager
def translate_errors(uri: str, access: Access) -> Iterator[None]:
    """Turn the store's refusals into ModelNotFound, AccessDenied and the like, with a remedy."""
    from botocore.exceptions import BotoCoreError, ClientError, PartialCredentialsError

    try:
        yield
    except ClientError as error:
        raise _of_answer(uri, str(error.response["Error"].get("Code", "")), access) from error
    except PartialCredentialsError as error:
        raise CannotInspectError(
            lock_errors.ACCESS_DENIED,
            f"{uri}: a key is missing ({error}): {access.give(_KEYS)}",
        ) from error
    except BotoCoreError as error:
        line = " ".join(str(error).split()).partition("?")[0][:200]
        raise CannotInspectError(
            lock_errors.LOCK_FAILED, f"{uri}: the object store cannot be reached ({line})"
        ) from error


def _of_answer(uri: str, code: str, access: Access) -> CannotInspectError:
    if code in _MISSING:
        return CannotInspectError(
            lock_errors.MODEL_NOT_FOUND, f"{uri}: does not exist ({code}): check bucket and path"
        )
    if code in _DENIED:
        remedy = (
            f"renew {access.place_of('the keys')}, or allow them s3:ListBucket and "
            "s3:GetObject there"
            if access.with_secret
            else access.give(_KEYS)
        )
        return CannotInspectError(
            lock_errors.ACCESS_DENIED, f"{uri}: access denied ({code}): {remedy}"
        )
    if code in _CHANGED:
        return changed(uri)
    if code in _ELSEWHERE:
        return CannotInspectError(
            lock_errors.LOCK_FAILED,
            f"{uri}: the bucket is in another region ({code}): {access.give('AWS_REGION')}",
        )
    return CannotInspectError(lock_errors.LOCK_FAILED, f"{uri}: the object store answered {code}")


def changed(uri: str) -> CannotInspectError:
    """Other objects stand there than those that were listed."""
    return CannotInspectError(
        lock_errors.CONTENT_CHANGED,
        f"{uri}: objects there changed after the pair was locked: restore them, or annotate the "
        "resource with tandem.dev/refresh to lock the new content",
    )
