"""The inspection of a pair: bring both sides, read, judge. Used by the lock Job and the command."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tandem_runtime.contract.report import PairReport
from tandem_runtime.contract.request import LockRequest, SourceRequest
from tandem_runtime.lock.errors import CannotInspectError, RefusedError
from tandem_runtime.lock.formats.detect_format import Known
from tandem_runtime.lock.model import gguf_model
from tandem_runtime.lock.sources.fetch import fetch
from tandem_runtime.lock.verdict import evaluate
from tandem_runtime.lock.verdict import inspect as inspect_side
from tandem_runtime.lock.verdict.evaluate import Seen
from tandem_runtime.lock.verdict.inspect import Side


class SideError(Exception):
    """One side cannot be inspected; `cause` says why."""

    def __init__(self, side: str, cause: CannotInspectError) -> None:
        super().__init__(str(cause))
        self.side = side
        self.cause = cause


def report(request: LockRequest, environ: Mapping[str, str]) -> PairReport:
    """Bring and judge a pair. Raises SideError."""
    with tempfile.TemporaryDirectory(prefix="tandem-lock-") as scratch:
        known: Known = {}
        seen = {
            side: _see(source, side, Path(scratch), environ, known)
            for side, source in request.sides().items()
            if side == "target" or request.method not in evaluate.WITHOUT_DRAFT
        }
    return evaluate.evaluate(request, seen["target"], seen.get("draft"))


def _see(
    source: SourceRequest, side: str, scratch: Path, environ: Mapping[str, str], known: Known
) -> Seen:
    into, tokenizer_into = scratch / side, scratch / f"{side}-tokenizer"
    into.mkdir()
    tokenizer_into.mkdir()
    try:
        fetched = fetch(source, side, into, environ)
        tokenizer = None
        if source.tokenizer is not None:
            tokenizer = fetch(source.tokenizer, side, tokenizer_into, environ).folder
        inspected = inspect_side.at(fetched.folder, fetched.weights, tokenizer, known)
    except CannotInspectError as error:
        raise SideError(side, error) from error
    except RefusedError as error:
        return Seen(Side(refused=error), source.uri)
    if inspected.refused is None and inspected.config is None and inspected.weights is None:
        gguf = gguf_model.read(fetched.folder)
        if gguf is not None:
            inspected = replace(inspected, model=gguf.model, weights=gguf.weights)
    # A mounted folder has no revision of its own: its content is its identity.
    revision = fetched.revision or inspected.files_digest
    return replace(Seen(inspected, source.uri), revision=revision, immutable=fetched.immutable)
