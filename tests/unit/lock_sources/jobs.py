"""The lock Job and the pod of a pair, run in this process against a local hub."""

from __future__ import annotations

from pathlib import Path

from tandem_runtime.contract import report, request
from tandem_runtime.contract.report import LockFailure, PairReport
from tandem_runtime.contract.request import LockRequest, SourceRequest
from tandem_runtime.lock import job


class Job:
    """A lock Job that is about to run with its termination log in a folder."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.log = folder / "termination-log"
        self.environ = {"HF_ENDPOINT": endpoint, "TANDEM_TERMINATION_LOG": str(self.log)}

    def run(self, asked: LockRequest) -> int:
        return job.run({**self.environ, "TANDEM_LOCK_REQUEST": request.render(asked)})

    def report(self) -> PairReport:
        read = report.parse(self.log.read_text())
        assert isinstance(read, PairReport), read
        return read

    def failure(self) -> LockFailure:
        read = report.parse(self.log.read_text())
        assert isinstance(read, LockFailure), read
        return read


def asked(target: str = "hf://acme/chat", draft: str = "hf://acme/small") -> LockRequest:
    return LockRequest(
        "DraftModel", "SameVocabulary", SourceRequest(target, "main"), SourceRequest(draft, "main")
    )
