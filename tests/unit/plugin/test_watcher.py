"""What the report says of the table that the watcher reads."""

import json
from pathlib import Path
from typing import Any

import pytest

from tandem_runtime.plugin.table.plan import Limits
from tandem_runtime.plugin.table.table_loader import TableLoader
from tandem_runtime.plugin.watcher import Watcher

TABLE = {
    "version": 1, "lock": "ab", "epoch": "e", "generation": 7, "enabled": False,
    "schedule": [[1, 8, 3]],
}  # fmt: skip


def report(folder: Path, content: dict[str, Any]) -> dict[str, Any]:
    """The first report of a watcher whose table switches speculation off."""
    table = folder / "speculation.json"
    table.write_text(json.dumps(TABLE))
    loader = TableLoader(str(table), "ab", Limits(3, (0, 1, 3)))
    watcher = Watcher(loader, folder, 0, lambda: content)
    watcher.start()
    watcher.stop()
    written: dict[str, Any] = json.loads((folder / "engine-0.json").read_text())
    return written


@pytest.mark.parametrize("content", [{}, {"applies": True}])
def test_a_table_in_force_is_acknowledged(tmp_path: Path, content: dict[str, Any]) -> None:
    written = report(tmp_path, content)

    assert (written["lock"], written["epoch"], written["generation"]) == ("ab", "e", 7)
    assert written["effective"] == [[1, 8, 0]]


def test_an_engine_that_only_observes_never_acknowledges_a_switch(tmp_path: Path) -> None:
    written = report(tmp_path, {"applies": False})

    assert (written["lock"], written["epoch"], written["generation"]) == ("", "", -1)
    assert written["effective"] == []
