"""A bench that judges pairs of folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tandem_runtime.contract.report import PairReport
from tandem_runtime.contract.request import LockRequest, SourceRequest
from tandem_runtime.lock.files import folder
from tandem_runtime.lock.verdict import evaluate
from tandem_runtime.lock.verdict import inspect as inspect_side
from tandem_runtime.lock.verdict.evaluate import Seen
from tests.unit.lock import builders

Files = dict[str, bytes]


class Bench:
    """Judges models given as files."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._count = 0

    def seen(self, files: Files, uri: str = "hf://acme/chat", revision: str = "0a" * 20) -> Seen:
        self._count += 1
        path = builders.write(self._place / str(self._count), files)
        return Seen(inspect_side.at(folder.at(path)), uri, revision)

    def evaluate(self, target: Files, draft: Files | None, **asked: Any) -> PairReport:
        values: dict[str, Any] = {
            "method": "DraftModel",
            "policy": "SameVocabulary",
            "target": SourceRequest("hf://acme/chat", name="chat"),
            "draft": None if draft is None else SourceRequest("hf://acme/small"),
        }
        request = LockRequest(**(values | asked))
        drafted = None if draft is None else self.seen(draft, "hf://acme/small")
        return evaluate.evaluate(request, self.seen(target), drafted)


def verdict(report: PairReport) -> tuple[str, str]:
    return report.verdict, report.reason
