"""Models on a Hugging Face hub. The endpoint and the token come from the environment alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_runtime.contract import environment
from tandem_runtime.contract.request import SourceRequest
from tandem_runtime.lock import folder, locked_files, refusal, strict_json
from tandem_runtime.lock.refusal import CannotLookError
from tandem_runtime.lock.sources.brought import Brought
from tandem_runtime.lock.weights import SUFFIX, Weights

if TYPE_CHECKING:
    from huggingface_hub import HfApi, ModelInfo

COMMIT = re.compile(r"[0-9a-f]{40}")
_PREFIXES = {"target": environment.TARGET_PREFIX, "draft": environment.DRAFT_PREFIX}
_MAX_FILE_BYTES = strict_json.MAX_TOKENIZER_BYTES


def token(side: str, environ: Mapping[str, str]) -> str | None:
    """The side's own token, else the common one, else None (anonymous)."""
    prefix = _PREFIXES[side]
    held = environ.get(prefix + environment.HF_TOKEN) or environ.get(environment.HF_TOKEN)
    return held or None


def repository(uri: str) -> str:
    """`org/name` of an hf:// URI."""
    return uri.removeprefix("hf://").strip("/")


def api(side: str, environ: Mapping[str, str]) -> HfApi:
    """A client for the environment's hub; it never looks for a token elsewhere."""
    from huggingface_hub import HfApi

    # False keeps the library from sending a token that it finds in a home folder.
    return HfApi(
        endpoint=environ.get(environment.HF_ENDPOINT) or None, token=token(side, environ) or False
    )


def bring(source: SourceRequest, side: str, into: Path, environ: Mapping[str, str]) -> Brought:
    """Resolve the revision to a commit and download the files that the lock covers.

    Raises:
        CannotLookError: ModelNotFound, AccessDenied or LockFailed, with what to do.
    """
    client = api(side, environ)
    repo = repository(source.uri)
    with told_apart(source.uri, source.revision, token(side, environ) is not None):
        info = client.model_info(repo, revision=source.revision, files_metadata=True)
        commit = info.sha
        if commit is None or not COMMIT.fullmatch(commit):
            raise CannotLookError(
                refusal.LOCK_FAILED, f"{source.uri}: the hub names no commit but {commit!r}"
            )
        siblings = {each.rfilename: each.size for each in info.siblings or []}
        names = [name for name in siblings if "/" not in name]
        for name in names:
            if not locked_files.covers(name):
                continue
            if (siblings[name] or 0) > _MAX_FILE_BYTES:
                raise refusal.too_large(name, f"{siblings[name]} bytes on the hub")
            client.hf_hub_download(repo, name, revision=commit, local_dir=into)
    return Brought(
        folder.at(into, names),
        revision=commit,
        immutable=True,
        weights=_weights(info),
    )


@contextmanager
def told_apart(uri: str, revision: str | None, with_token: bool) -> Iterator[None]:
    """Turn the hub's refusals into ModelNotFound, AccessDenied and LockFailed with a remedy."""
    import httpx
    from huggingface_hub import errors

    def cannot(reason: str, message: str) -> CannotLookError:
        return CannotLookError(reason, f"{uri}: {message}")

    try:
        yield
    except errors.GatedRepoError as error:
        raise cannot(
            refusal.ACCESS_DENIED,
            "gated: accept the model's terms on the hub with the account whose token the secret "
            "holds"
            if with_token
            else "gated: accept the model's terms on the hub and name a "
            "secret with that account's HF_TOKEN in secretName",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise cannot(refusal.MODEL_NOT_FOUND, f"has no revision {revision!r}") from error
    except errors.HfHubHTTPError as error:
        raise cannot(*_of_status(error.response.status_code, with_token)) from error
    except errors.HFValidationError as error:
        raise cannot(refusal.MODEL_NOT_FOUND, f"is no name of a repository ({error})") from error
    except errors.LocalEntryNotFoundError as error:
        raise cannot(refusal.LOCK_FAILED, f"the hub cannot be reached ({error})") from error
    except (httpx.HTTPError, OSError) as error:
        raise cannot(
            refusal.LOCK_FAILED, f"the hub cannot be reached ({type(error).__name__}: {error})"
        ) from error


def _of_status(status: int, with_token: bool) -> tuple[str, str]:
    if status == 404:
        return refusal.MODEL_NOT_FOUND, "does not exist on the hub"
    if status == 401:
        return refusal.ACCESS_DENIED, (
            "the hub refuses the token (401): renew HF_TOKEN in the secret"
            if with_token
            else "private, or it does not exist; a hub does not tell strangers which (401): check "
            "the name, or name a secret with HF_TOKEN in secretName"
        )
    if status == 403:
        return refusal.ACCESS_DENIED, (
            "the token may not read it (403): give it access, or use another account's token"
        )
    return refusal.LOCK_FAILED, f"the hub answered {status}"


def _weights(info: ModelInfo) -> Weights | None:
    """Sums from the hub's own index of safetensors headers; None where it has none."""
    index = info.safetensors
    if index is None:
        return None
    sizes = [
        each.size or 0
        for each in info.siblings or []
        if each.rfilename.endswith(SUFFIX) and "/" not in each.rfilename
    ]
    by_dtype: Mapping[str, int] = index.parameters
    return Weights(
        parameters=index.total,
        size_bytes=sum(sizes),
        dtype=max(by_dtype, key=lambda dtype: (by_dtype[dtype], dtype)) if by_dtype else None,
        tensors={},
    )
