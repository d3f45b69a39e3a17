"""`tandem-fetch`, the init container of an engine pod: locked files in place, or no start.

Brings hub models at the locked commit, finds mounted ones, compares both with the lock, records
digests for the plugin, and puts the plugin where the engine's PYTHONPATH points.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tandem_runtime.contract import environment, paths, pod_lock, report
from tandem_runtime.contract.fields import ContractError
from tandem_runtime.contract.pod_lock import LockedSide, PodLock
from tandem_runtime.contract.report import LockFailure
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.errors import CannotInspectError, RefusedError
from tandem_runtime.lock.files import folder, folder_lock, locked_files
from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.sources.fetch import HUB, S3

DONE, FAILED = 0, 1
PLUGINS = {
    pod_lock.PLUGIN_VLLM: "tandem_runtime.vllm.install",
    pod_lock.PLUGIN_TENSORRT_LLM: "tandem_runtime.tensorrt_llm.install",
    pod_lock.PLUGIN_START: "tandem_runtime.start.install",
}
"""Modules whose `copy_to(folder)` installs a plugin, by the name that a pod lock has for it."""
_MORE_SPACE = "raise modelCache.sizeLimit, or give modelCache.claimName a claim with more room"
DISK_TROUBLES = {
    errno.ENOSPC: f"no space is left; {_MORE_SPACE}",
    errno.EDQUOT: f"the quota is used up; {_MORE_SPACE}",
    errno.EFBIG: f"a file is larger than may be written there; {_MORE_SPACE}",
    errno.EROFS: "it is mounted read-only; give modelCache.claimName a claim that can be written",
    errno.EACCES: "user 65532 may not write there; set fsGroup in template.spec.securityContext",
    errno.EIO: "the disk fails; look at its node or storage",
}


@dataclass(frozen=True)
class Places:
    """Where things stand in the pod."""

    models: Mapping[str, Path]
    digests: Path
    plugin: Path


IN_A_POD = Places(
    models={"target": Path(paths.TARGET), "draft": Path(paths.DRAFT)},
    digests=Path(paths.DIGESTS_FILE),
    plugin=Path(paths.PLUGIN),
)


def main() -> int:
    """Run from the process' environment; returns the exit status."""
    return run(os.environ, IN_A_POD)


def run(environ: Mapping[str, str], places: Places) -> int:
    """Put everything in place; 1, with the reason in the termination log, where it cannot be."""
    failure = _fetch(environ, places)
    if failure is None:
        return DONE
    print(f"tandem-fetch: {failure.side or 'pod'}: {failure.message}", file=sys.stderr, flush=True)
    path = Path(environ.get(environment.TERMINATION_LOG) or paths.TERMINATION_LOG)
    path.write_text(report.render(failure), encoding="ascii")
    return FAILED


def _fetch(environ: Mapping[str, str], places: Places) -> LockFailure | None:
    try:
        lock = pod_lock.parse(environ.get(environment.LOCK) or "")
    except ContractError as error:
        return LockFailure(lock_errors.LOCK_FAILED, None, f"{environment.LOCK}: {error}")
    digests: dict[str, str] = {}
    for side, locked in lock.sides().items():
        try:
            digests |= _place(side, locked, places.models[side], environ)
        except (CannotInspectError, RefusedError) as error:
            return LockFailure(error.reason, side, str(error))
    try:
        _record(lock, digests, places.digests)
        _install_plugin(lock.plugin, places.plugin)
    except (OSError, CannotInspectError) as error:
        return LockFailure(lock_errors.LOCK_FAILED, None, str(error))
    return None


def _place(
    side: str, locked: LockedSide, place: Path, environ: Mapping[str, str]
) -> dict[str, str]:
    """Digests (`sha256:<hex>`) of one side's locked files, by absolute path, once they are there.

    Raises:
        CannotInspectError: they cannot be brought, or are not those that were locked.
        RefusedError: the folder cannot be trusted.
    """
    if locked.path is not None:
        place = Path(locked.path)
    elif locked.uri.startswith((HUB, S3)):
        _download(locked, side, place, environ)
    try:
        resolved = folder.at(place)
    except OSError as error:
        raise CannotInspectError(
            lock_errors.MODEL_NOT_FOUND, f"{place} cannot be read: {error.strerror}"
        ) from error
    return _verified(locked, resolved)


def _download(locked: LockedSide, side: str, place: Path, environ: Mapping[str, str]) -> None:
    try:
        with folder_lock.exclusive(place):
            _fetch_all(locked, side, place, environ)
    except (OSError, CannotInspectError) as error:
        # The clients tell their own troubles and the disk's with the same kind of error.
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(cause, OSError) and cause.errno in DISK_TROUBLES:
            raise CannotInspectError(
                lock_errors.LOCK_FAILED,
                f"{locked.uri} cannot be written to {place} ({cause.strerror}): "
                f"{DISK_TROUBLES[cause.errno]}",
            ) from error
        if isinstance(error, OSError):
            raise CannotInspectError(lock_errors.LOCK_FAILED, f"{place}: {error}") from error
        raise


def _fetch_all(locked: LockedSide, side: str, place: Path, environ: Mapping[str, str]) -> None:
    # Each client is slow to import, and a pod needs one of them at most.
    if locked.uri.startswith(S3):
        from tandem_runtime.lock.sources.s3 import models as s3_models

        s3_models.download(locked, side, place, environ)
    else:
        from tandem_runtime.lock.sources.hub import models as hub_models

        hub_models.download(locked, side, place, environ)


def _verified(locked: LockedSide, model_folder: ModelFolder) -> dict[str, str]:
    digests = locked_files.digests(model_folder)
    digest = pod_lock.files_digest(digests)
    if digest != locked.files_digest:
        raise CannotInspectError(
            lock_errors.CONTENT_CHANGED,
            f"{locked.uri}: tokenizer and config files are {digest}, locked as "
            f"{locked.files_digest}: they changed after the pair was locked; {_remedy(locked)}",
        )
    return {str(model_folder.root / name): f"sha256:{value}" for name, value in digests.items()}


def _remedy(locked: LockedSide) -> str:
    if locked.path is None:
        return f"remove the folder {locked.revision} from the model cache: it is fetched anew"
    return "restore them, or annotate the resource with tandem.dev/refresh to lock the new content"


def _record(lock: PodLock, digests: Mapping[str, str], path: Path) -> None:
    """Write the digests file whole or not at all. Raises OSError."""
    document = {"version": 1, "lock": lock.hash, "files": dict(sorted(digests.items()))}
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="ascii")
    temporary.replace(path)


def _install_plugin(name: str, place: Path) -> None:
    """Copy the plugin that the lock names.

    Raises OSError, or CannotInspectError where the image lacks it.
    """
    if name == pod_lock.NO_PLUGIN:
        return
    if name not in PLUGINS:
        raise CannotInspectError(
            lock_errors.LOCK_FAILED,
            f"this image has no engine plugin {name!r}, but {', '.join(PLUGINS)}; use the image of "
            "the operator's own release",
        )
    try:
        install = importlib.import_module(PLUGINS[name])
    except ImportError as error:
        raise CannotInspectError(
            lock_errors.LOCK_FAILED,
            f"this image has no engine plugin ({error}); use the release's own",
        ) from error
    install.copy_to(place)


if __name__ == "__main__":
    sys.exit(main())
