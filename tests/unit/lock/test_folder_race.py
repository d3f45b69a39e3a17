"""A file that becomes a link between its inspection and its opening is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tandem_runtime.lock.errors import SYMLINK_ESCAPE, RefusedError
from tandem_runtime.lock.files.folder import ModelFolder


def test_a_file_that_becomes_a_link_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the host's own")
    root = tmp_path / "model"
    root.mkdir()
    (root / "config.json").write_text("{}")
    resolve = Path.resolve

    def resolved_and_swapped(path: Path, **named: Any) -> Path:
        resolved = resolve(path, **named)
        if path.name == "config.json":
            path.unlink()
            path.symlink_to(secret)
        return resolved

    folder = ModelFolder(root=root, names=("config.json",), boundary=root)
    monkeypatch.setattr(Path, "resolve", resolved_and_swapped)

    with pytest.raises(RefusedError) as error:
        folder.open("config.json")

    assert error.value.reason == SYMLINK_ESCAPE
    assert "became a link" in str(error.value)
