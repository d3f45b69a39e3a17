"""The two ways in which the inspection of a repository ends without a verdict on its tokens."""

from __future__ import annotations

MALFORMED = "Malformed"
TOO_LARGE = "TooLarge"
SYMLINK_ESCAPE = "SymlinkEscape"
REMOTE_CODE = "RemoteCode"
WEIGHTS_MISSING = "WeightsMissing"

MODEL_NOT_FOUND = "ModelNotFound"
ACCESS_DENIED = "AccessDenied"
CONTENT_CHANGED = "ContentChanged"
LOCK_FAILED = "LockFailed"


class RefusedError(Exception):
    """The repository itself is at fault: verdict Refused. `reason` is one of the first five."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class CannotInspectError(Exception):
    """Nothing can be said, because the files cannot be had. `reason` is one of the last four."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def malformed(name: str, message: str) -> RefusedError:
    """The file `name` does not hold what its name promises."""
    return RefusedError(MALFORMED, f"{name}: {message}")


def weights_missing(name: str, message: str) -> RefusedError:
    """Weights that `name` promises are in no file: no engine could load them."""
    return RefusedError(WEIGHTS_MISSING, f"{name}: {message}")


def pointer(name: str) -> RefusedError:
    """A clone without Git LFS left a pointer where the file `name` should be."""
    return RefusedError(
        MALFORMED,
        f"{name}: is a Git LFS pointer, not the file itself: fetch the content with `git lfs pull`",
    )


def too_large(name: str, message: str) -> RefusedError:
    """The file `name` is beyond what any known tokenizer needs."""
    return RefusedError(TOO_LARGE, f"{name}: {message}")
