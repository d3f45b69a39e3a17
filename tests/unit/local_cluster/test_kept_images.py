"""Archives of images do not fill a disk, and none goes that somebody may still read."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hack.images import kept
from hack.images.builder import Builder, Image

HOUR_S = 3600.0


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """References that left the builder's store, which is no part of these tests."""
    removed: list[str] = []
    monkeypatch.setattr(Builder, "forget", lambda self, reference: removed.append(reference))
    monkeypatch.setattr(kept, "builder", lambda: Builder("buildah"))
    return removed


def archive(folder: Path, stem: str, hours: float) -> Path:
    """One that was last asked for so many hours ago."""
    path = folder / f"{stem}.tar"
    path.write_bytes(b"layers")
    then_s = time.time() - hours * HOUR_S
    os.utime(path, (then_s, then_s))
    return path


def ask(folder: Path, stem: str) -> None:
    path = folder / f"{stem}.tar"

    def build() -> None:
        path.write_text("layers")

    kept.once(Image(f"localhost/{stem}", path), build)


def stems(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.tar")}


def test_a_build_leaves_the_newest_few_of_its_name(tmp_path: Path, forgotten: list[str]) -> None:
    for number in range(6):
        archive(tmp_path, f"operator-{number}", hours=10 + number)
        archive(tmp_path, f"runtime-{number}", hours=10 + number)

    ask(tmp_path, "operator-new")

    others = {f"runtime-{number}" for number in range(6)}
    assert stems(tmp_path) == {"operator-new", "operator-0", "operator-1"} | others
    assert forgotten == [f"localhost/tandem-operator:{number}" for number in (5, 4, 3, 2)]


def test_one_that_was_asked_for_stays_however_old_its_content(
    tmp_path: Path, forgotten: list[str]
) -> None:
    for number in range(6):
        archive(tmp_path, f"torch-{number}", hours=10 + number)

    ask(tmp_path, "torch-5")
    assert len(stems(tmp_path)) == 6  # nothing was built, so nothing goes
    ask(tmp_path, "torch-new")

    assert stems(tmp_path) == {"torch-new", "torch-5", "torch-0"}


def test_none_goes_that_a_run_of_now_may_read(tmp_path: Path, forgotten: list[str]) -> None:
    for number in range(9):
        archive(tmp_path, f"operator-{number}", hours=number / 10)

    ask(tmp_path, "operator-new")

    assert len(stems(tmp_path)) == 10
    assert not forgotten


def test_a_failed_build_removes_nothing(tmp_path: Path, forgotten: list[str]) -> None:
    for number in range(6):
        archive(tmp_path, f"operator-{number}", hours=10 + number)

    def fail() -> None:
        raise RuntimeError("no space")

    with pytest.raises(RuntimeError):
        kept.once(Image("localhost/x", tmp_path / "operator-new.tar"), fail)

    assert len(stems(tmp_path)) == 6
