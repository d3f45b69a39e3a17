"""The image of one program is one that any container runtime reads."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from hack.images.archive import write


def test_the_archive_holds_one_runnable_program(tmp_path: Path) -> None:
    (tmp_path / "built").write_bytes(b"\x7fELF")
    archive = tmp_path / "image.tar"
    write(archive, "localhost/one:1", tmp_path / "built", "one")
    with tarfile.open(archive) as files:
        content = {entry.name: files.extractfile(entry) for entry in files}
        read = {name: file.read() for name, file in content.items() if file is not None}
    (manifest,) = json.loads(read["manifest.json"])
    assert manifest["RepoTags"] == ["localhost/one:1"]
    config = json.loads(read[manifest["Config"]])
    assert config["config"]["Entrypoint"] == ["/one"]
    (layer,) = (read[name] for name in manifest["Layers"])
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        (entry,) = files.getmembers()
        assert (entry.name, entry.mode) == ("one", 0o755)
