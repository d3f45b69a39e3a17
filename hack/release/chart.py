"""The chart of a release: images pinned by digest, packaged, pushed, rendered."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hack.release.parts import PartError, call

VALUES = {"operator": "image", "runtime": "runtimeImage", "engine": "torchImage"}
"""The block of values.yaml that says where an image is."""
NAMESPACE = "tandem-system"


def package(
    helm: str, source: Path, out: Path, version: str, registry: str, pushed: Mapping[str, str]
) -> Path:
    """Package a copy of the chart whose values name the pushed images. Raises PartError."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / source.name
        shutil.copytree(source, copy)
        values = copy / "values.yaml"
        text = values.read_text()
        for name, digest in pushed.items():
            text = pinned(text, VALUES[name], f"{registry}/tandem-{name}", digest)
        values.write_text(text)
        call([helm, "lint", "--quiet", str(copy)])
        words = ["package", str(copy), "--version", version, "--app-version", version]
        call([helm, *words, "--destination", str(out)])
    return out / f"{source.name}-{version}.tgz"


def pinned(values: str, block: str, repository: str, digest: str) -> str:
    """values.yaml with repository and digest of one block; comments stay. Raises PartError."""
    start = re.search(rf"^{block}:\n((?:[ \t].*\n|\n|#.*\n)*)", values, re.MULTILINE)
    if start is None:
        raise PartError(f"values.yaml has no block {block}")
    body = start[1]
    for key, value in (("repository", repository), ("digest", digest)):
        body, replaced = re.subn(
            rf"^(  {key}:).*$", rf"\1 {value}", body, count=1, flags=re.MULTILINE
        )
        if not replaced:
            raise PartError(f"values.yaml: {block} has no {key}")
    return values[: start.start(1)] + body + values[start.end(1) :]


def push(helm: str, packed: Path, registry: str, *, plain_http: bool) -> str:
    """Push the packaged chart as an OCI artifact; returns its digest. Raises PartError."""
    words = [helm, "push", str(packed), f"oci://{registry}/charts"]
    output = call([*words, "--plain-http"] if plain_http else words)
    match = re.search(r"sha256:[0-9a-f]{64}", output)
    if match is None:
        raise PartError(f"helm push told no digest: {output[:200]}")
    return match[0]


def render(helm: str, packed: Path) -> str:
    """What the chart makes with its own values, the definition too."""
    rendered = call([helm, "template", "tandem", str(packed), f"--namespace={NAMESPACE}"])
    head = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n"
    return head + rendered


def pull(helm: str, registry: str, version: str, into: Path, *, plain_http: bool) -> Path:
    """The chart as it is in the registry. Raises PartError."""
    words = [helm, "pull", f"oci://{registry}/charts/tandem", f"--version={version}"]
    words += [f"--destination={into}", *(["--plain-http"] if plain_http else [])]
    call(words)
    return into / f"tandem-{version}.tgz"
