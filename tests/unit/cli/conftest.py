"""A fake API server for each test, and how to run the command against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tandem_operator.cli.main import main
from tests.unit.cli.fake_api import FakeApi, serving


@dataclass(frozen=True)
class Done:
    """What a command said and its exit status."""

    status: int
    out: str
    err: str


Tandem = Callable[..., Done]


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with serving() as fake:
        yield fake


@pytest.fixture
def tandem(
    api: FakeApi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Tandem:
    """Runs `tandem` with a kubeconfig of the fake API server, whose context means `shop`."""
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path)))

    def run(*words: str) -> Done:
        status = main(words)
        captured = capsys.readouterr()
        return Done(status, captured.out, captured.err)

    return run
