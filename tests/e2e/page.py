"""A page's commands as a script, and a folder in which they find what a checkout has."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path

SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def script(page: Path) -> str:
    """All shell blocks of the page, in order, echoed; the first command that fails ends it."""
    return "set -euo pipefail\nset -x\n" + "\n".join(SHELL_BLOCK.findall(page.read_text()))


def checkout(folder: Path, repository: Path, replaced: str, content: str) -> Path:
    """A folder of links to everything in `repository`, with other content at one path of it."""
    folder.mkdir()
    inner = Path(replaced)
    for path in repository.iterdir():
        if path.name != inner.parts[0]:
            (folder / path.name).symlink_to(path)
    (folder / inner.parent).mkdir(parents=True)
    (folder / inner).write_text(content)
    return folder


def named(archive: Path, reference: str, into: Path) -> Path:
    """A copy of a docker-archive whose image has another name."""
    with tarfile.open(archive) as read, tarfile.open(into, "w") as written:
        for entry in read:
            if entry.name == "repositories":
                continue
            if entry.name != "manifest.json":
                written.addfile(entry, read.extractfile(entry) if entry.isfile() else None)
                continue
            listed = read.extractfile(entry)
            assert listed is not None  # a docker-archive has it as a plain file
            (image,) = json.load(listed)
            text = json.dumps([{**image, "RepoTags": [reference]}]).encode()
            entry.size = len(text)
            written.addfile(entry, io.BytesIO(text))
    return into
