"""Choose the source by the form of its URI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tandem_runtime.contract.request import SourceRequest
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.errors import CannotInspectError
from tandem_runtime.lock.files import folder
from tandem_runtime.lock.sources.fetched_model import FetchedModel

HUB = "hf://"
S3 = "s3://"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(?:@[\w./-]+)?")
_IMAGE_DIGEST = re.compile(r"oci://.*@(sha256:[0-9a-f]{64})")


def fetch(source: SourceRequest, side: str, into: Path, environ: Mapping[str, str]) -> FetchedModel:
    """The side's tokenizer and configuration files; weights are left where they are.

    Args:
        source: mounted (`path`), on a hub, or a local path as its URI.
        side: `target` or `draft`, for the choice of the secret.
        into: an existing empty folder for what is downloaded.

    Raises:
        CannotInspectError: the files cannot be had, with the reason.
        RefusedError: the folder itself cannot be trusted.
    """
    if source.path is not None:
        return _local(Path(source.path), source.uri)
    if source.uri.startswith(HUB):
        from tandem_runtime.lock.sources.hub import repository as hub

        return hub.fetch(source, side, into, environ)
    if source.uri.startswith(S3):
        from tandem_runtime.lock.sources.s3 import bucket as s3

        return s3.fetch(source, side, into, environ)
    if "://" in source.uri:
        raise CannotInspectError(
            lock_errors.LOCK_FAILED,
            f"{source.uri} is not mounted here and cannot be fetched; use hf://, s3:// or a "
            "local path",
        )
    return _local(Path(source.uri), source.uri)


def _local(path: Path, uri: str) -> FetchedModel:
    try:
        local = folder.at(path)
    except FileNotFoundError as error:
        meant = f"; did you mean hf://{uri}?" if _HUB_NAME.fullmatch(uri) else ""
        raise CannotInspectError(
            lock_errors.MODEL_NOT_FOUND, f"{path} does not exist (source {uri}){meant}"
        ) from error
    except OSError as error:
        raise CannotInspectError(
            lock_errors.ACCESS_DENIED, f"{path} cannot be read: {error.strerror} (source {uri})"
        ) from error
    if not any((local.root / name).is_file() for name in local.names):
        inside = f", only {', '.join(local.names[:5])}" if local.names else ""
        raise CannotInspectError(
            lock_errors.MODEL_NOT_FOUND,
            f"{path} holds no file{inside} (source {uri}): name the folder with config.json",
        )
    image = _IMAGE_DIGEST.fullmatch(uri)
    return FetchedModel(local, revision=image and image[1], immutable=image is not None)
