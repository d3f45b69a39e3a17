"""`tandem bench` with a folder of its own, and where its engine looks for its table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tandem_operator.cli.main import main
from tests.unit.bench.fake_engine import FakeEngine


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "table" / "speculation.json"
    file.parent.mkdir()
    return file


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., int]:
    """Runs the command with short blocks; further words win."""

    def command(engine: FakeEngine | str, *words: str) -> int:
        url = engine if isinstance(engine, str) else engine.url
        short = ["--block-s", "0.2", "--warmup-s", "0.02", "--rounds", "1", "--new-tokens", "64"]
        load = ["--tokens", "0,2,5", "--concurrency", "1,3,8"]
        out = ["--out", str(tmp_path / "profile.json"), "--output", "json"]
        return main(["bench", "--endpoint", url, *short, *load, *out, *words])

    return command
