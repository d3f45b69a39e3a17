"""What is made once is made by one, whole, and not again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hack.environment import made_once


@pytest.fixture
def made() -> list[Path]:
    return []


@pytest.fixture
def make(made: list[Path]) -> Callable[[Path], None]:
    def of(folder: Path) -> None:
        folder.mkdir()
        made.append(folder)

    return of


def test_all_who_come_at_once_get_the_one_that_is_made(
    tmp_path: Path, made: list[Path], make: Callable[[Path], None]
) -> None:
    folder = tmp_path / "cache" / "0123"
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: made_once.ensure(folder, make), range(8)))

    assert folders == [folder] * 8
    assert made == [folder]
    assert made_once.find(folder) == folder


def test_what_was_broken_off_is_made_again_from_nothing(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    folder = tmp_path / "0123"

    def fails(where: Path) -> None:
        where.mkdir()
        (where / "half").touch()
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        made_once.ensure(folder, fails)
    assert made_once.find(folder) is None

    made_once.ensure(folder, make)
    assert not (folder / "half").exists()
