"""Which table is in force, whatever happens to the file."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tandem_runtime.plugin.table.plan import Limits
from tandem_runtime.plugin.table.table_loader import REREAD_S, TableLoader

LIMITS = Limits(5, (0, 1, 3, 5))


def document(generation: int = 1, **changes: Any) -> str:
    content = {
        "version": 1, "lock": "ab", "epoch": "e", "generation": generation,
        "schedule": [[1, 8, 3]],
    }  # fmt: skip
    return json.dumps({**content, **changes})


class Volume:
    """A ConfigMap volume: data folders behind a `..data` link that is swapped at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "speculation.json"
        self.path.symlink_to(Path("..data") / "speculation.json")
        self.writes = 0

    def swap(self, text: str) -> None:
        self.writes += 1
        folder = self.root / f"..{self.writes}"
        folder.mkdir()
        (folder / "speculation.json").write_text(text)
        link = self.root / "..new"
        link.symlink_to(folder.name)
        link.replace(self.root / "..data")


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path)


class Watched:
    """An loader whose clock moves past the unconditional reading with each reconciliation."""

    def __init__(self, path: Path, lock: str = "ab") -> None:
        self.loader = TableLoader(str(path), lock, LIMITS)
        self.now_s = 0.0

    def poll(self) -> int:
        """The generation in force after a poll; -1: none."""
        self.now_s += REREAD_S + 0.1
        self.loader.poll(self.now_s)
        return -1 if self.loader.plan is None else self.loader.plan.table.generation

    @property
    def refused(self) -> dict[str, int]:
        return dict(self.loader.refused)


def test_a_swapped_link_is_a_new_table(volume: Volume) -> None:
    watched = Watched(volume.path)
    assert watched.poll() == -1

    volume.swap(document(1))
    assert watched.poll() == 1
    volume.swap(document(2))
    assert watched.poll() == 2
    assert watched.refused == {"missing": 1}


def test_between_rereads_an_unchanged_file_is_not_read(volume: Volume) -> None:
    volume.swap(document(1))
    loader = TableLoader(str(volume.path), "ab", LIMITS)

    assert loader.poll(0.0)
    assert not loader.poll(0.1)


def test_a_change_is_seen_at_the_next_poll(volume: Volume) -> None:
    volume.swap(document(1))
    loader = TableLoader(str(volume.path), "ab", LIMITS)
    loader.poll(0.0)
    volume.swap(document(2))

    assert loader.poll(0.1)


def test_older_generations_are_refused_within_an_epoch_and_taken_in_a_new_one(
    volume: Volume,
) -> None:
    watched = Watched(volume.path)
    volume.swap(document(5))
    assert watched.poll() == 5
    volume.swap(document(4))
    assert watched.poll() == 5
    assert watched.refused == {"stale": 1}
    volume.swap(document(1, epoch="f"))
    assert watched.poll() == 1


def test_another_content_under_the_same_generation_is_refused(volume: Volume) -> None:
    watched = Watched(volume.path)
    volume.swap(document(5))
    watched.poll()
    volume.swap(document(5, schedule=[[1, 8, 5]]))
    watched.poll()

    assert watched.refused == {"stale": 1}
    plan = watched.loader.plan
    assert plan is not None
    assert plan.schedule[0].tokens == 3


def test_a_table_of_another_pair_is_refused(volume: Volume) -> None:
    watched = Watched(volume.path)
    volume.swap(document(1, lock="cd"))

    assert watched.poll() == -1
    assert watched.refused == {"lock": 1}
    assert "this engine has 'ab'" in watched.loader.message


def test_without_a_lock_of_its_own_an_engine_takes_any_table(volume: Volume) -> None:
    volume.swap(document(1, lock="cd"))

    assert Watched(volume.path, lock="").poll() == 1


def test_deeper_than_the_engine_is_clamped_and_counted(volume: Volume) -> None:
    watched = Watched(volume.path)
    volume.swap(document(1, schedule=[[1, 4, 9], [5, 8, 2]]))
    watched.poll()

    plan = watched.loader.plan
    assert plan is not None
    assert [span.tokens for span in plan.schedule] == [5, 1]
    assert watched.loader.clamped == 1


BAD_TEXTS = ["", "{", "\0" * 30, "NaN", "[" * 60_000, " " * 70_000, document(2, schedule=[]),
             document(2)[:40]]  # fmt: skip


@pytest.mark.parametrize("text", BAD_TEXTS, ids=range(len(BAD_TEXTS)))
def test_a_bad_text_leaves_the_last_good_table_and_is_counted_once(
    volume: Volume, text: str
) -> None:
    watched = Watched(volume.path)
    volume.swap(document(1))
    watched.poll()
    volume.swap(text)

    assert [watched.poll() for _ in range(3)] == [1, 1, 1]
    assert watched.refused == {"invalid": 1}
    volume.swap(document(2))
    assert watched.poll() == 2


@pytest.mark.parametrize("kind", ["folder", "fifo", "device", "loop", "dangling", "gone"])
def test_what_is_no_file_neither_blocks_nor_displaces_the_table(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "speculation.json"
    path.write_text(document(1))
    watched = Watched(path)
    watched.poll()
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/null")
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "dangling":
        path.symlink_to(tmp_path / "nowhere")

    assert watched.poll() == 1
    assert sum(watched.refused.values()) == 1
