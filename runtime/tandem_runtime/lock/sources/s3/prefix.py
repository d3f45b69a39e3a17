"""One model's place in an S3 bucket: who asks, what is listed there, and how it is read.

Endpoint and credentials come from the environment alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from tandem_runtime.contract import environment
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.errors import CannotInspectError
from tandem_runtime.lock.sources.hub import models as hub_models

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AT_ONCE = 8
MOST_OBJECTS = 10_000
_USUAL_REGION = "us-east-1"
_SECRET_KEYS = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
}
_NEVER = (*hub_models.NEVER_SERVED, hub_models.COMPLETE)


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


def prefix_of(uri: str, side: str, environ: Mapping[str, str]) -> Prefix:
    """Where an s3:// URI points, with the client of its side."""
    bucket, _, path = uri.removeprefix("s3://").partition("/")
    return Prefix(_client(side, environ), bucket, path.strip("/"))


def _secret(side: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The keys of the side's own secret, else the common ones; empty without."""
    for start in (environment.PREFIXES[side], ""):
        credentials = {
            argument: environ[start + key]
            for argument, key in _SECRET_KEYS.items()
            if environ.get(start + key)
        }
        if credentials:
            return credentials
    return {}


def has_secret(side: str, environ: Mapping[str, str]) -> bool:
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
    boto_session = boto3.Session(
        **_secret(side, environ), region_name=region, botocore_session=session
    )
    endpoint = environ.get(environment.S3_ENDPOINT) or None
    config = Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"total_max_attempts": 4, "mode": "standard"},
        max_pool_connections=AT_ONCE,
        # A store of one's own rarely has a host name a bucket.
        s3={"addressing_style": "path" if endpoint else "auto"},
        signature_version=None if boto_session.get_credentials() else UNSIGNED,
    )
    return boto_session.client("s3", endpoint_url=endpoint, config=config)


def listing(prefix: Prefix, uri: str) -> tuple[Listed, ...]:
    """The objects that belong to the model, by name. Raises CannotInspectError, ClientError."""
    start = f"{prefix.path}/" if prefix.path else ""
    pages = prefix.client.get_paginator("list_objects_v2").paginate(
        Bucket=prefix.bucket, Prefix=start
    )
    entries = []
    for page in pages:
        for each in page.get("Contents", ()):
            name = each["Key"][len(start) :]
            if not name or name.endswith("/") or any(fnmatch(name, p) for p in _NEVER):
                continue
            if not name.isprintable() or any(part in ("", ".", "..") for part in name.split("/")):
                raise CannotInspectError(
                    lock_errors.LOCK_FAILED,
                    f"{uri}: holds an object that is no file name: {name!r}",
                )
            entries.append(Listed(name, each["ETag"], each["Size"]))
        if len(entries) > MOST_OBJECTS:
            raise CannotInspectError(
                lock_errors.LOCK_FAILED,
                f"{uri}: more than {MOST_OBJECTS} objects: name one model's",
            )
    if not entries:
        raise CannotInspectError(
            lock_errors.MODEL_NOT_FOUND, f"{uri}: no object begins with {start!r}: check the path"
        )
    return tuple(sorted(entries, key=lambda each: each.name))


def revision_of(listed: tuple[Listed, ...]) -> str:
    """The listing's digest: SHA-256 of its JSON, `sha256:<hex>`."""
    rows = [[each.name, each.etag, each.size_bytes] for each in listed]
    text = json.dumps(rows, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
