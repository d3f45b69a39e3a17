"""Models in an S3 bucket, for the inspection of a pair.

A bucket has no commits. What stands under a prefix is named by the digest of its listing (names,
ETags and sizes), and every read asks for the ETag that was listed: objects that change meanwhile
are told, never mixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tandem_runtime.contract.request import SourceRequest
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files import folder, locked_files, strict_json
from tandem_runtime.lock.model import gguf_model, model_card, shards
from tandem_runtime.lock.model.gguf_header import Header
from tandem_runtime.lock.model.weights import MAX_FILES, SUFFIX
from tandem_runtime.lock.sources import sparse
from tandem_runtime.lock.sources.access import Access
from tandem_runtime.lock.sources.fetched_model import FetchedModel
from tandem_runtime.lock.sources.s3 import prefix as s3_prefix
from tandem_runtime.lock.sources.s3 import refusals as s3_refusals
from tandem_runtime.lock.sources.s3.prefix import Listed, Prefix, RangedObject


def fetch(source: SourceRequest, side: str, into: Path, environ: Mapping[str, str]) -> FetchedModel:
    """Tokenizer and configuration whole, of weights the headers alone.

    Raises:
        CannotInspectError: ModelNotFound, AccessDenied, ContentChanged or LockFailed, with what
            to do.
        RefusedError: a file that no model needs so large, or a header that is none.
    """
    access = Access.of(s3_prefix.has_secret(side, environ), environ)
    with s3_refusals.translate_errors(source.uri, access):
        prefix = s3_prefix.prefix_of(source.uri, side, environ)
        listed = s3_prefix.listing(prefix, source.uri)
        at_top = {each.name: each for each in listed if "/" not in each.name}
        names = list(at_top)
        covered = [name for name in names if locked_files.covers(name)]
        for name in covered:
            _whole(prefix, at_top[name], into)
        if shards.INDEX in at_top:
            _whole(prefix, at_top[shards.INDEX], into)
        if model_card.NAME in at_top:
            card = at_top[model_card.NAME]
            wanted = min(card.size_bytes, model_card.MAX_BYTES)
            (into / card.name).write_bytes(prefix.read(card, 0, wanted))
        safe = [name for name in names if name.endswith(SUFFIX)]
        if len(safe) <= MAX_FILES:
            with ThreadPoolExecutor(s3_prefix.AT_ONCE) as pool:
                list(pool.map(lambda name: _safetensors(prefix, at_top[name], into), safe))
        if not any(map(locked_files.is_tokenizer, covered)):
            for parts in gguf_model.candidates(names):
                headers = [_gguf(prefix, at_top[name], into) for name in parts]
                if gguf_model.is_model(headers[0]):
                    break
        return FetchedModel(
            folder.at(into, names), revision=s3_prefix.revision_of(listed), immutable=False
        )


def _whole(prefix: Prefix, entry: Listed, into: Path) -> None:
    if entry.size_bytes > strict_json.MAX_TOKENIZER_BYTES:
        raise lock_errors.too_large(entry.name, f"{entry.size_bytes} bytes in the bucket")
    (into / entry.name).write_bytes(prefix.read(entry, 0, entry.size_bytes))


def _gguf(prefix: Prefix, entry: Listed, into: Path) -> Header | None:
    return sparse.gguf(RangedObject(prefix, entry), entry.size_bytes, into / entry.name)


def _safetensors(prefix: Prefix, entry: Listed, into: Path) -> None:
    sparse.safetensors(RangedObject(prefix, entry), entry.size_bytes, into / entry.name)
