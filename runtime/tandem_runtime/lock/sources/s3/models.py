"""A whole model from a bucket, for the pod that serves it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tandem_runtime.contract.pod_lock import LockedSide
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.errors import CannotInspectError
from tandem_runtime.lock.sources.access import Access
from tandem_runtime.lock.sources.hub import models as hub_models
from tandem_runtime.lock.sources.s3 import prefix as s3_prefix
from tandem_runtime.lock.sources.s3 import refusals as s3_refusals
from tandem_runtime.lock.sources.s3.prefix import Listed, Prefix

_CHUNK_BYTES = 1 << 20


def download(locked: LockedSide, side: str, place: Path, environ: Mapping[str, str]) -> None:
    """Bring the whole model to `place`, an existing folder; what a killed pod left is continued.

    A folder that is complete is taken without asking the store.

    Raises:
        CannotInspectError: as `s3.fetch`; ContentChanged where the prefix holds other objects than
            those that were locked.
    """
    revision = locked.revision or ""
    if hub_models.is_complete(place, revision):
        return
    access = Access.of(s3_prefix.has_secret(side, environ), environ)
    with s3_refusals.translate_errors(locked.uri, access):
        prefix = s3_prefix.prefix_of(locked.uri, side, environ)
        listed = s3_prefix.listing(prefix, locked.uri)
        if s3_prefix.revision_of(listed) != revision:
            raise s3_refusals.changed(locked.uri)
        with ThreadPoolExecutor(s3_prefix.AT_ONCE) as pool:
            list(pool.map(lambda entry: _continued(prefix, entry, place), listed))
    hub_models.mark_complete(place, revision, [each.name for each in listed])


def _continued(prefix: Prefix, entry: Listed, place: Path) -> None:
    """The object as a file of its name, written aside and renamed when it is whole."""
    final = place / entry.name
    if final.is_file() and final.stat().st_size == entry.size_bytes:
        return
    final.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(final, entry)
    done = part.stat().st_size if part.is_file() else 0
    with part.open("ab") as file:
        if done < entry.size_bytes:
            answer = prefix.client.get_object(
                Bucket=prefix.bucket, Key=prefix.key(entry.name), IfMatch=entry.etag,
                Range=f"bytes={done}-",
            )  # fmt: skip
            for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                file.write(chunk)
    if part.stat().st_size != entry.size_bytes:
        part.unlink()
        raise CannotInspectError(
            lock_errors.LOCK_FAILED, f"{entry.name}: came with another size than was listed"
        )
    part.replace(final)


def part_of(final: Path, entry: Listed) -> Path:
    """The file aside; of another object of the name it would be another one."""
    mark = hashlib.sha256(entry.etag.encode()).hexdigest()[:8]
    return final.with_name(f".{final.name}.{mark}.part")
