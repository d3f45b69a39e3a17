"""The one check that fails closed: the files that were locked are the files that are served.

Runs in vLLM's first process before the model loads, because an init container does not run again
when the engine's container restarts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tandem_runtime.contract import environment, paths, report
from tandem_runtime.contract.report import LockFailure

_CHECKED = "TANDEM_DIGESTS_CHECKED"
"""Set for the child processes, which would only hash the same files again."""
_REASON = "ContentChanged"
_CHUNK_BYTES = 1 << 20


class DigestsDifferError(Exception):
    """The engine must not start. The message names the file and what to do, `side` whose it is
    (None: the record itself is wrong)."""

    def __init__(self, message: str, side: str | None = None) -> None:
        super().__init__(message)
        self.side = side


def check(environ: Mapping[str, str]) -> bool:
    """Compare the recorded digests; False when the environment names none (no lock, no check).

    Raises:
        DigestsDifferError: a file changed or is gone, or the record itself is missing or another
            lock's.
    """
    path = environ.get(environment.DIGESTS_FILE)
    if not path:
        return False
    recorded = _record(Path(path))
    wanted = _lock_hash(environ)
    if wanted and recorded.get("lock") != wanted:
        raise DigestsDifferError(
            f"{path} records lock {recorded.get('lock')!r} but this pod has {wanted!r}; "
            "delete the pod so that its files are fetched again"
        )
    files = recorded.get("files")
    if not isinstance(files, dict) or not files:
        raise DigestsDifferError(f"{path} records no file; delete the pod")
    for name, digest in files.items():
        actual = _digest(Path(name))
        if actual != digest:
            raise DigestsDifferError(
                f"{name} is {actual}, locked as {digest}: the model was changed after it was "
                "locked; restore the file, or annotate the resource with tandem.dev/refresh to "
                "lock the new content",
                _side(name, environ),
            )
    return True


def check_or_exit(environ: dict[str, str] | os._Environ[str] = os.environ) -> None:
    """`check` once a tree of processes.

    Raises SystemExit with the reason, which also becomes the container's termination message: from
    there the operator tells it.
    """
    if _CHECKED in environ:
        return
    try:
        done = check(environ)
    except DigestsDifferError as difference:
        _leave_word(difference, environ)
        raise SystemExit(f"tandem: {difference}") from difference
    if done:
        environ[_CHECKED] = "1"


def _leave_word(difference: DigestsDifferError, environ: Mapping[str, str]) -> None:
    failure = LockFailure(_REASON, difference.side, str(difference))
    path = environ.get(environment.TERMINATION_LOG) or paths.TERMINATION_LOG
    # The kubelet makes the file. Where there is none, stderr alone has the reason.
    with contextlib.suppress(OSError), Path(path).open("r+", encoding="ascii") as file:
        file.write(report.render(failure))
        file.truncate()


def _side(name: str, environ: Mapping[str, str]) -> str | None:
    """Whose file it is, by the folder that it is in."""
    text = environ.get(environment.LOCK)
    lock = json.loads(text) if text else {}
    for side, folder in (("target", paths.TARGET), ("draft", paths.DRAFT)):
        locked = lock.get(side) if isinstance(lock, dict) else None
        mounted = locked.get("path") if isinstance(locked, dict) else None
        if Path(name).is_relative_to(mounted or folder):
            return side
    return None


def _record(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DigestsDifferError(f"the digests cannot be read from {path}: {error}") from error
    if not isinstance(content, dict):
        raise DigestsDifferError(f"{path} is no JSON object")
    return content


def _lock_hash(environ: Mapping[str, str]) -> str:
    text = environ.get(environment.LOCK)
    if not text:
        return ""
    try:
        lock = json.loads(text)
    except ValueError as error:
        raise DigestsDifferError(f"{environment.LOCK} is not JSON: {error}") from error
    return str(lock.get("hash", "")) if isinstance(lock, dict) else ""


def _digest(path: Path) -> str:
    sums = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                sums.update(chunk)
    except OSError as error:
        return f"unreadable ({error.strerror})"
    return f"sha256:{sums.hexdigest()}"
