"""Models in an S3 bucket. Endpoint and credentials come from the environment alone.

A bucket has no commits. What stands under a prefix is named by the digest of its listing (names,
ETags and sizes), and every read asks for the ETag that was listed: objects that change meanwhile
are told, never mixed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_runtime.contract import environment
from tandem_runtime.contract.pod_lock import LockedSide
from tandem_runtime.contract.request import SourceRequest
from tandem_runtime.lock import folder, gguf_model, locked_files, refusal, strict_json
from tandem_runtime.lock.gguf_model import SUFFIX as GGUF
from tandem_runtime.lock.refusal import CannotLookError
from tandem_runtime.lock.sources import hub_models, sparse
from tandem_runtime.lock.sources.brought import Brought
from tandem_runtime.lock.weights import MAX_FILES, SUFFIX

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_OBJECTS = 10_000
_AT_ONCE = 8
_CHUNK_BYTES = 1 << 20
_USUAL_REGION = "us-east-1"
_SECRET_KEYS = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
}
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


@dataclass(frozen=True)
class Listed:
    """One object: its name below the prefix, its ETag as S3 quotes it, its size in bytes."""

    name: str
    etag: str
    size_bytes: int


@dataclass(frozen=True)
class Prefix:
    """Where a model stands in a bucket."""

    client: S3Client
    bucket: str
    path: str

    def key(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def read(self, entry: Listed, start: int, size: int) -> bytes:
        """Up to `size` bytes from `start` of just the object that was listed.

        Raises ClientError.
        """
        if start >= entry.size_bytes:
            return b""
        end = min(start + size, entry.size_bytes) - 1
        answer = self.client.get_object(
            Bucket=self.bucket, Key=self.key(entry.name), IfMatch=entry.etag,
            Range=f"bytes={start}-{end}",
        )  # fmt: skip
        return answer["Body"].read()


@dataclass(frozen=True)
class RangedObject:
    """One object as `sparse` reads the files of a hub."""

    prefix: Prefix
    entry: Listed

    @property
    def name(self) -> str:
        return self.entry.name

    def read(self, start: int, size: int) -> bytes:
        return self.prefix.read(self.entry, start, size)


def bring(source: SourceRequest, side: str, into: Path, environ: Mapping[str, str]) -> Brought:
    """Tokenizer and configuration whole, of weights the headers alone.

    Raises:
        CannotLookError: ModelNotFound, AccessDenied, ContentChanged or LockFailed, with what to do.
        RefusedError: a file that no model needs so large, or a header that is none.
    """
    with told_apart(source.uri, _has_secret(side, environ)):
        prefix = prefix_of(source.uri, side, environ)
        listed = listing(prefix, source.uri)
        at_top = {each.name: each for each in listed if "/" not in each.name}
        names = list(at_top)
        covered = [name for name in names if locked_files.covers(name)]
        for name in covered:
            _whole(prefix, at_top[name], into)
        safe = [name for name in names if name.endswith(SUFFIX)]
        if len(safe) <= MAX_FILES:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda name: _safetensors(prefix, at_top[name], into), safe))
        if not any(map(locked_files.is_tokenizer, covered)):
            for name in gguf_model.parts_of_first([n for n in names if n.endswith(GGUF)]):
                remote, size = RangedObject(prefix, at_top[name]), at_top[name].size_bytes
                sparse.gguf(remote, size, into / name)
        return Brought(folder.at(into, names), revision=revision_of(listed), immutable=False)


def download(locked: LockedSide, side: str, place: Path, environ: Mapping[str, str]) -> None:
    """Bring the whole model to `place`, an existing folder; what a killed pod left is continued.

    A folder that is complete is taken without asking the store.

    Raises:
        CannotLookError: as `bring`; ContentChanged where the prefix holds other objects than those
            that were locked.
    """
    revision = locked.revision or ""
    if hub_models.is_complete(place, revision):
        return
    with told_apart(locked.uri, _has_secret(side, environ)):
        prefix = prefix_of(locked.uri, side, environ)
        listed = listing(prefix, locked.uri)
        if revision_of(listed) != revision:
            raise _changed(locked.uri)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda entry: _continued(prefix, entry, place), listed))
    hub_models.mark_complete(place, revision, [each.name for each in listed])


def listing(prefix: Prefix, uri: str) -> tuple[Listed, ...]:
    """The objects that belong to the model, by name. Raises CannotLookError, ClientError."""
    start = f"{prefix.path}/" if prefix.path else ""
    pages = prefix.client.get_paginator("list_objects_v2").paginate(
        Bucket=prefix.bucket, Prefix=start
    )
    found = []
    for page in pages:
        for each in page.get("Contents", ()):
            name = each["Key"][len(start) :]
            if not name or name.endswith("/") or any(fnmatch(name, p) for p in _NEVER):
                continue
            if not name.isprintable() or any(part in ("", ".", "..") for part in name.split("/")):
                raise CannotLookError(
                    refusal.LOCK_FAILED, f"{uri}: holds an object that is no file name: {name!r}"
                )
            found.append(Listed(name, each["ETag"], each["Size"]))
        if len(found) > MOST_OBJECTS:
            raise CannotLookError(
                refusal.LOCK_FAILED, f"{uri}: more than {MOST_OBJECTS} objects: name one model's"
            )
    if not found:
        raise CannotLookError(
            refusal.MODEL_NOT_FOUND, f"{uri}: no object begins with {start!r}: check the path"
        )
    return tuple(sorted(found, key=lambda each: each.name))


def revision_of(listed: tuple[Listed, ...]) -> str:
    """The listing's digest: SHA-256 of its JSON, `sha256:<hex>`."""
    rows = [[each.name, each.etag, each.size_bytes] for each in listed]
    text = json.dumps(rows, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


_NEVER = (*hub_models.NEVER_SERVED, hub_models.COMPLETE)


def prefix_of(uri: str, side: str, environ: Mapping[str, str]) -> Prefix:
    """Where an s3:// URI points, with the client of its side."""
    bucket, _, path = uri.removeprefix("s3://").partition("/")
    return Prefix(_client(side, environ), bucket, path.strip("/"))


def _secret(side: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The keys of the side's own secret, else the common ones; empty without."""
    for start in (environment.PREFIXES[side], ""):
        found = {
            argument: environ[start + key]
            for argument, key in _SECRET_KEYS.items()
            if environ.get(start + key)
        }
        if found:
            return found
    return {}


def _has_secret(side: str, environ: Mapping[str, str]) -> bool:
    return bool(_secret(side, environ))


def _client(side: str, environ: Mapping[str, str]) -> S3Client:
    """A client with the secret's keys, else with those of the process' own identity (a profile, a
    web identity), else anonymous. Never with those of the node: they are not the user's."""
    import boto3
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config

    session = botocore.session.get_session()
    session.get_component("credential_provider").remove("iam-role")
    prefix = environment.PREFIXES[side]
    region = environ.get(prefix + "AWS_REGION") or environ.get("AWS_REGION") or _USUAL_REGION
    held = boto3.Session(**_secret(side, environ), region_name=region, botocore_session=session)
    endpoint = environ.get(environment.S3_ENDPOINT) or None
    config = Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"total_max_attempts": 4, "mode": "standard"},
        max_pool_connections=_AT_ONCE,
        # A store of one's own seldom has a host name a bucket.
        s3={"addressing_style": "path" if endpoint else "auto"},
        signature_version=None if held.get_credentials() else UNSIGNED,
    )
    return held.client("s3", endpoint_url=endpoint, config=config)


def _whole(prefix: Prefix, entry: Listed, into: Path) -> None:
    if entry.size_bytes > strict_json.MAX_TOKENIZER_BYTES:
        raise refusal.too_large(entry.name, f"{entry.size_bytes} bytes in the bucket")
    (into / entry.name).write_bytes(prefix.read(entry, 0, entry.size_bytes))


def _safetensors(prefix: Prefix, entry: Listed, into: Path) -> None:
    sparse.safetensors(RangedObject(prefix, entry), entry.size_bytes, into / entry.name)


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
        raise CannotLookError(
            refusal.LOCK_FAILED, f"{entry.name}: came with another size than was listed"
        )
    part.replace(final)


def part_of(final: Path, entry: Listed) -> Path:
    """The file aside; of another object of the name it would be another one."""
    mark = hashlib.sha256(entry.etag.encode()).hexdigest()[:8]
    return final.with_name(f".{final.name}.{mark}.part")


@contextmanager
def told_apart(uri: str, with_secret: bool) -> Iterator[None]:
    """Turn the store's refusals into ModelNotFound, AccessDenied and the like, with a remedy."""
    from botocore.exceptions import BotoCoreError, ClientError, PartialCredentialsError

    try:
        yield
    except ClientError as error:
        raise _of_answer(uri, str(error.response["Error"].get("Code", "")), with_secret) from error
    except PartialCredentialsError as error:
        raise CannotLookError(
            refusal.ACCESS_DENIED,
            f"{uri}: the secret lacks a key ({error}): it needs AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY",
        ) from error
    except BotoCoreError as error:
        line = " ".join(str(error).split()).partition("?")[0][:200]
        raise CannotLookError(
            refusal.LOCK_FAILED, f"{uri}: the object store cannot be reached ({line})"
        ) from error


def _of_answer(uri: str, code: str, with_secret: bool) -> CannotLookError:
    if code in _MISSING:
        return CannotLookError(
            refusal.MODEL_NOT_FOUND, f"{uri}: does not exist ({code}): check bucket and path"
        )
    if code in _DENIED:
        remedy = (
            "renew the keys in the secret, or allow them s3:ListBucket and s3:GetObject there"
            if with_secret
            else "name a secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in secretName"
        )
        return CannotLookError(refusal.ACCESS_DENIED, f"{uri}: access denied ({code}): {remedy}")
    if code in _CHANGED:
        return _changed(uri)
    if code in _ELSEWHERE:
        return CannotLookError(
            refusal.LOCK_FAILED,
            f"{uri}: the bucket is in another region ({code}): put AWS_REGION into the secret",
        )
    return CannotLookError(refusal.LOCK_FAILED, f"{uri}: the object store answered {code}")


def _changed(uri: str) -> CannotLookError:
    return CannotLookError(
        refusal.CONTENT_CHANGED,
        f"{uri}: objects there changed after the pair was locked: restore them, or annotate the "
        "resource with tandem.dev/refresh to lock the new content",
    )
