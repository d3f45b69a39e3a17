"""The JSON in which a hub lists a repository and its files."""

from __future__ import annotations

from typing import Any

from hack.hub.repository import Access, Repository, StoredFile


def entry(path: str, file: StoredFile) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "type": "file",
        "oid": file.oid,
        "size": len(file.content),
        "path": path,
    }
    if file.sha256 is not None:
        entry["lfs"] = {"oid": file.sha256, "size": len(file.content), "pointerSize": 134}
    return entry


def info(repository: Repository, commit: str, blobs: bool) -> dict[str, Any]:
    siblings = []
    for path, file in repository.commits[commit].items():
        sibling: dict[str, Any] = {"rfilename": path}
        if blobs:
            sibling |= {"size": len(file.content), "blobId": file.oid}
            if file.sha256 is not None:
                sibling["lfs"] = {
                    "sha256": file.sha256,
                    "size": len(file.content),
                    "pointerSize": 134,
                }
        siblings.append(sibling)
    sums = repository.sums.get(commit)
    return {
        "_id": commit[:24],
        "id": repository.name,
        "modelId": repository.name,
        "sha": commit,
        "private": repository.access is Access.PRIVATE,
        "gated": "manual" if repository.access is Access.GATED else False,
        "tags": [],
        "downloads": 0,
        "siblings": siblings,
        **({} if sums is None else {"safetensors": sums}),
    }
