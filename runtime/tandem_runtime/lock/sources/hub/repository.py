"""Models on a Hugging Face hub. The endpoint and the token come from the environment alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_runtime.contract import environment
from tandem_runtime.contract.request import SourceRequest
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.errors import CannotInspectError
from tandem_runtime.lock.files import folder, locked_files, strict_json
from tandem_runtime.lock.model import gguf_model, model_card, shards
from tandem_runtime.lock.model.gguf_header import Header
from tandem_runtime.lock.model.gguf_model import SUFFIX as GGUF
from tandem_runtime.lock.model.model_config import NAME
from tandem_runtime.lock.model.weights import MAX_FILES, SUFFIX, Weights
from tandem_runtime.lock.sources import sparse
from tandem_runtime.lock.sources.access import Access
from tandem_runtime.lock.sources.fetched_model import FetchedModel
from tandem_runtime.lock.sources.hub import refusals as hub_refusals
from tandem_runtime.lock.sources.hub.ranged import RangedFile
from tandem_runtime.lock.sources.hub.retry import patiently

if TYPE_CHECKING:
    from huggingface_hub import HfApi, ModelInfo

COMMIT = re.compile(r"[0-9a-f]{40}")
_MAX_FILE_BYTES = strict_json.MAX_TOKENIZER_BYTES
_PLAIN = {"F16", "BF16", "F32"}
_AT_ONCE = 8


def token(side: str, environ: Mapping[str, str]) -> str | None:
    """The side's own token, else the common one, else None (anonymous)."""
    prefix = environment.PREFIXES[side]
    hub_token = environ.get(prefix + environment.HF_TOKEN) or environ.get(environment.HF_TOKEN)
    return hub_token or None


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


def fetch(source: SourceRequest, side: str, into: Path, environ: Mapping[str, str]) -> FetchedModel:
    """Resolve the revision to a commit and bring what the lock reads, of weights the headers alone.

    Raises:
        CannotInspectError: ModelNotFound, AccessDenied or LockFailed, with what to do.
        RefusedError: a file that no model needs so large, or a header that is none.
    """
    client = api(side, environ)
    repo, file = parts(source.uri)
    access = Access.of(token(side, environ) is not None, environ)
    with hub_refusals.translate_errors(source.uri, source.revision, access):
        info = patiently(lambda: _info(client, repo, source))
        commit = info.sha
        if commit is None or not COMMIT.fullmatch(commit):
            raise CannotInspectError(
                lock_errors.LOCK_FAILED, f"{source.uri}: the hub names no commit but {commit!r}"
            )
        sizes = {
            each.rfilename: each.size
            for each in info.siblings or []
            if each.rfilename.isprintable() and ".." not in each.rfilename.split("/")
        }
        if file is not None and any(name.startswith(f"{file}/") for name in sizes):
            raise CannotInspectError(
                lock_errors.MODEL_NOT_FOUND,
                f"{source.uri}: {file!r} is a folder of {repo}, and a model is read and served "
                "from the top of its repository: copy it into one of its own, or into a claim",
            )
        if file is not None and file not in sizes:
            raise CannotInspectError(
                lock_errors.MODEL_NOT_FOUND,
                f"{source.uri}: {repo} has no file {file!r} at {commit}",
            )
        part = _Part(client, repo, commit, into, sizes)
        if file is not None:
            file_path = part.single(file)
            return FetchedModel(file_path, revision=commit, immutable=True)
        weights = part.everything(info)
    names = [name for name in sizes if "/" not in name]
    return FetchedModel(folder.at(into, names), revision=commit, immutable=True, weights=weights)


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
        for name in (*covered, *(name for name in (shards.INDEX,) if name in names)):
            self._whole(name)
        if model_card.NAME in names:
            self._start(model_card.NAME, model_card.MAX_BYTES)
        safe = [name for name in names if name.endswith(SUFFIX)]
        sums = _weights(info) if len(safe) > 1 else None
        if sums is None and len(safe) <= MAX_FILES:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(self._safetensors, safe))
        if not safe and (NAME not in covered or not any(map(locked_files.is_tokenizer, covered))):
            for parts in gguf_model.candidates(names):
                headers = [self._gguf(path) for path in parts]
                if gguf_model.is_model(headers[0]):
                    break
        return sums

    def _whole(self, path: str) -> None:
        size = self.sizes[path]
        if (size or 0) > _MAX_FILE_BYTES:
            raise lock_errors.too_large(path, f"{size} bytes on the hub")
        remote = self._remote(path)
        content = patiently(lambda: remote.read(0, _MAX_FILE_BYTES + 1))
        if len(content) > _MAX_FILE_BYTES:
            raise lock_errors.too_large(path, f"more than {_MAX_FILE_BYTES} bytes on the hub")
        if size is not None and len(content) != size:
            raise CannotInspectError(
                lock_errors.LOCK_FAILED, f"{path}: {len(content)} bytes came, {size} are listed"
            )
        (self.into / path.rpartition("/")[2]).write_bytes(content)

    def _start(self, name: str, most_bytes: int) -> None:
        remote = self._remote(name)
        (self.into / name).write_bytes(patiently(lambda: remote.read(0, most_bytes)))

    def _safetensors(self, name: str) -> None:
        remote, size = self._remote(name), self.sizes[name]
        patiently(lambda: sparse.safetensors(remote, size, self.into / name))

    def _gguf(self, path: str) -> Header | None:
        remote, size = self._remote(path), self.sizes[path]
        return patiently(lambda: sparse.gguf(remote, size, self.into / path.rpartition("/")[2]))

    def _remote(self, path: str) -> RangedFile:
        hub_token = self.client.token
        return RangedFile(
            self.client.endpoint,
            self.repository,
            path,
            self.commit,
            hub_token if isinstance(hub_token, str) else None,
        )


def _info(client: HfApi, repo: str, source: SourceRequest) -> ModelInfo:
    """What the hub says of the model. Raises CannotInspectError where that is no hub's answer."""
    from huggingface_hub import errors

    try:
        return client.model_info(repo, revision=source.revision, files_metadata=True)
    except (errors.HfHubHTTPError, errors.HFValidationError):
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The library reads the answer's keys without asking whether they are there.
        raise CannotInspectError(
            lock_errors.LOCK_FAILED,
            f"{source.uri}: {client.endpoint} answers, but not as a hub ({type(error).__name__}): "
            "check HF_ENDPOINT, or sign in to the network",
        ) from error


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
