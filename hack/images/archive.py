"""An image of one static program, written as a docker-archive without any builder."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path


def write(archive: Path, reference: str, program: Path, name: str) -> None:
    """Write an image whose only file is /`name`, and whose entry point it is."""
    layer = _tar({name: (program.read_bytes(), 0o755)})
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": [f"/{name}"], "User": "65532:65532"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_hash(layer)}"]},
        }
    ).encode()
    manifest = [
        {"Config": f"{_hash(config)}.json", "RepoTags": [reference], "Layers": ["layer.tar"]}
    ]
    archive.write_bytes(
        _tar(
            {
                f"{_hash(config)}.json": (config, 0o644),
                "layer.tar": (layer, 0o644),
                "manifest.json": (json.dumps(manifest).encode(), 0o644),
            }
        )
    )


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return sink.getvalue()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
