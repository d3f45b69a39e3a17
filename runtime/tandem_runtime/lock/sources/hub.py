"""Models on a Hugging Face hub. The endpoint and the token come from the environment alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_runtime.contract import environment
from tandem_runtime.contract.request import SourceRequest
from tandem_runtime.lock import folder, gguf_model, locked_files, refusal, strict_json
from tandem_runtime.lock.gguf_model import SUFFIX as GGUF
from tandem_runtime.lock.model_config import NAME
from tandem_runtime.lock.refusal import CannotLookError
from tandem_runtime.lock.sources import sparse
from tandem_runtime.lock.sources.brought import Brought
from tandem_runtime.lock.sources.patience import asked_wait_s, patiently
from tandem_runtime.lock.sources.ranged import RangedFile
from tandem_runtime.lock.weights import MAX_FILES, SUFFIX, Weights

if TYPE_CHECKING:
    from huggingface_hub import HfApi, ModelInfo
    from huggingface_hub.errors import HfHubHTTPError

COMMIT = re.compile(r"[0-9a-f]{40}")
_MAX_FILE_BYTES = strict_json.MAX_TOKENIZER_BYTES
_PLAIN = {"F16", "BF16", "F32"}
_AT_ONCE = 8


def token(side: str, environ: Mapping[str, str]) -> str | None:
    """The side's own token, else the common one, else None (anonymous)."""
    prefix = environment.PREFIXES[side]
    held = environ.get(prefix + environment.HF_TOKEN) or environ.get(environment.HF_TOKEN)
    return held or None


def parts(uri: str) -> tuple[str, str | None]:
    """`org/name` of an hf:// URI, and the path of the one file that it names (None: no file)."""
    path = uri.removeprefix("hf://").strip("/")
    organization, _, rest = path.partition("/")
    name, _, file = rest.partition("/")
    return (f"{organization}/{name}" if name else path), file or None


def repository(uri: str) -> str:
    """`org/name` of an hf:// URI."""
    return parts(uri)[0]


def api(side: str, environ: Mapping[str, str]) -> HfApi:
    """A client for the environment's hub; it never looks for a token elsewhere."""
    from huggingface_hub import HfApi

    # False keeps the library from sending a token that it finds in a home folder.
    return HfApi(
        endpoint=environ.get(environment.HF_ENDPOINT) or None, token=token(side, environ) or False
    )


def bring(source: SourceRequest, side: str, into: Path, environ: Mapping[str, str]) -> Brought:
    """Resolve the revision to a commit and bring what the lock reads, of weights the headers alone.

    Raises:
        CannotLookError: ModelNotFound, AccessDenied or LockFailed, with what to do.
        RefusedError: a file that no model needs so large, or a header that is none.
    """
    client = api(side, environ)
    repo, file = parts(source.uri)
    with told_apart(source.uri, source.revision, token(side, environ) is not None):
        info = patiently(lambda: _info(client, repo, source))
        commit = info.sha
        if commit is None or not COMMIT.fullmatch(commit):
            raise CannotLookError(
                refusal.LOCK_FAILED, f"{source.uri}: the hub names no commit but {commit!r}"
            )
        sizes = {
            each.rfilename: each.size
            for each in info.siblings or []
            if each.rfilename.isprintable() and ".." not in each.rfilename.split("/")
        }
        if file is not None and file not in sizes:
            raise CannotLookError(
                refusal.MODEL_NOT_FOUND, f"{source.uri}: {repo} has no file {file!r} at {commit}"
            )
        part = _Part(client, repo, commit, into, sizes)
        if file is not None:
            found = part.single(file)
            return Brought(found, revision=commit, immutable=True)
        weights = part.everything(info)
    names = [name for name in sizes if "/" not in name]
    return Brought(folder.at(into, names), revision=commit, immutable=True, weights=weights)


@dataclass(frozen=True)
class _Part:
    """What is brought of one commit; `sizes` are those of all its files, by path."""

    client: HfApi
    repository: str
    commit: str
    into: Path
    sizes: Mapping[str, int | None]

    def single(self, path: str) -> folder.ModelFolder:
        """One file, judged by itself."""
        name = path.rpartition("/")[2]
        if name.endswith(GGUF):
            self._gguf(path)
            return folder.at(self.into / name)
        self._whole(path)
        return folder.at(self.into / name)

    def everything(self, info: ModelInfo) -> Weights | None:
        """Tokenizer and configuration whole; the hub's sums where no header had to be read."""
        names = [name for name in self.sizes if "/" not in name]
        covered = [name for name in names if locked_files.covers(name)]
        for name in covered:
            self._whole(name)
        safe = [name for name in names if name.endswith(SUFFIX)]
        sums = _weights(info) if len(safe) > 1 else None
        if sums is None and len(safe) <= MAX_FILES:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(self._safetensors, safe))
        if not safe and (NAME not in covered or not any(map(locked_files.is_tokenizer, covered))):
            for path in gguf_model.parts_of_first(names):
                self._gguf(path)
        return sums

    def _whole(self, path: str) -> None:
        size = self.sizes[path]
        if (size or 0) > _MAX_FILE_BYTES:
            raise refusal.too_large(path, f"{size} bytes on the hub")
        remote = self._remote(path)
        content = patiently(lambda: remote.read(0, _MAX_FILE_BYTES + 1))
        if len(content) > _MAX_FILE_BYTES:
            raise refusal.too_large(path, f"more than {_MAX_FILE_BYTES} bytes on the hub")
        if size is not None and len(content) != size:
            raise CannotLookError(
                refusal.LOCK_FAILED, f"{path}: {len(content)} bytes came, {size} are listed"
            )
        (self.into / path.rpartition("/")[2]).write_bytes(content)

    def _safetensors(self, name: str) -> None:
        remote, size = self._remote(name), self.sizes[name]
        patiently(lambda: sparse.safetensors(remote, size, self.into / name))

    def _gguf(self, path: str) -> None:
        remote, size = self._remote(path), self.sizes[path]
        patiently(lambda: sparse.gguf(remote, size, self.into / path.rpartition("/")[2]))

    def _remote(self, path: str) -> RangedFile:
        held = self.client.token
        return RangedFile(
            self.client.endpoint,
            self.repository,
            path,
            self.commit,
            held if isinstance(held, str) else None,
        )


def _info(client: HfApi, repo: str, source: SourceRequest) -> ModelInfo:
    """What the hub says of the model. Raises CannotLookError where that is no hub's answer."""
    from huggingface_hub import errors

    try:
        return client.model_info(repo, revision=source.revision, files_metadata=True)
    except (errors.HfHubHTTPError, errors.HFValidationError):
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The library reads the answer's keys without asking whether they are there.
        raise CannotLookError(
            refusal.LOCK_FAILED,
            f"{source.uri}: {client.endpoint} answers, but not as a hub ({type(error).__name__}): "
            "check HF_ENDPOINT, or sign in to the network",
        ) from error


_GATED = "gated: accept the model's terms on the hub"
_STRANGER = (
    "private, or it does not exist; a hub does not tell strangers which (401): check the name"
)


@contextmanager
def told_apart(uri: str, revision: str | None, with_token: bool) -> Iterator[None]:
    """Turn the hub's refusals into ModelNotFound, AccessDenied and LockFailed with a remedy."""
    import httpx
    from huggingface_hub import errors

    def cannot(reason: str, message: str, here: str | None = None) -> CannotLookError:
        return CannotLookError(reason, f"{uri}: {message}", f"{uri}: {here or message}")

    try:
        yield
    except errors.GatedRepoError as error:
        raise cannot(
            refusal.ACCESS_DENIED,
            f"{_GATED} with the account whose token the secret holds"
            if with_token
            else f"{_GATED} and name a secret with that account's HF_TOKEN in secretName",
            f"{_GATED} with the account of HF_TOKEN"
            if with_token
            else f"{_GATED} and set HF_TOKEN to a token of that account",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise cannot(refusal.MODEL_NOT_FOUND, f"has no revision {revision!r}") from error
    except errors.DisabledRepoError as error:
        raise cannot(refusal.ACCESS_DENIED, "is disabled on the hub: use another model") from error
    except errors.HfHubHTTPError as error:
        raise cannot(*_of_answer(error, with_token)) from error
    except errors.HFValidationError as error:
        raise cannot(refusal.MODEL_NOT_FOUND, f"is no name of a repository ({error})") from error
    except errors.LocalEntryNotFoundError as error:
        if isinstance(error.__cause__, errors.HfHubHTTPError):
            raise cannot(*_of_answer(error.__cause__, with_token)) from error
        raise cannot(refusal.LOCK_FAILED, f"cannot be downloaded ({_line(error)})") from error
    except (httpx.HTTPError, OSError) as error:
        raise cannot(
            refusal.LOCK_FAILED,
            f"the hub cannot be reached ({type(error).__name__}: {_line(error)})",
        ) from error


def _line(error: Exception) -> str:
    """One line, without the queries of addresses: those may be signed."""
    return re.sub(r"\?\S+", "", " ".join(str(error).split()))[:200]


def _of_answer(error: HfHubHTTPError, with_token: bool) -> tuple[str, ...]:
    """Reason and message, and the message at a command line where it is another."""
    status = error.response.status_code
    if status == 404:
        return refusal.MODEL_NOT_FOUND, "does not exist on the hub"
    if status == 401:
        if with_token:
            refused = "the hub refuses the token (401): renew HF_TOKEN"
            return refusal.ACCESS_DENIED, f"{refused} in the secret", refused
        return (
            refusal.ACCESS_DENIED,
            f"{_STRANGER}, or name a secret with HF_TOKEN in secretName",
            f"{_STRANGER}, or set HF_TOKEN to a token that may read it",
        )
    if status == 403:
        return refusal.ACCESS_DENIED, (
            "the token may not read it (403): give it access, or use another account's token"
        )
    if status == 429:
        asked_s = asked_wait_s(error)
        later = "later" if asked_s is None else f"in {asked_s:.0f} s"
        many = "the hub has too many requests from here (429):"
        more = "" if with_token else "; with HF_TOKEN more are allowed"
        return (
            refusal.LOCK_FAILED,
            f"{many} it is tried again {later}{more}",
            f"{many} try again {later}{more}",
        )
    return refusal.LOCK_FAILED, f"the hub answered {status}"


def _weights(info: ModelInfo) -> Weights | None:
    """Sums from the hub's own index of safetensors headers, None where it has none.

    None too where weights may be packed or have scales beside them: the index counts both.
    """
    index = info.safetensors
    if index is None:
        return None
    sizes = [
        each.size or 0
        for each in info.siblings or []
        if each.rfilename.endswith(SUFFIX) and "/" not in each.rfilename
    ]
    by_dtype: Mapping[str, int] = index.parameters
    if not _PLAIN.issuperset(by_dtype):
        return None
    return Weights(
        parameters=index.total,
        size_bytes=sum(sizes),
        dtype=max(by_dtype, key=lambda dtype: (by_dtype[dtype], dtype)) if by_dtype else None,
        tensors={},
    )
