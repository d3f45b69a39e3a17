"""The parts of a release beside images and chart: SBOM, wheel, krew manifest, commit."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import yaml

from hack.cluster.binaries import uv

LIMIT_S = 600


class PartError(Exception):
    """A part cannot be made; the message has the last words of the program that failed."""


def call(words: list[str], folder: Path | None = None) -> str:
    """What a program says on both streams. Raises PartError."""
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    if done.returncode:
        raise PartError(f"{' '.join(words[:3])}: {(done.stderr or done.stdout).strip()[-1500:]}")
    return done.stdout + done.stderr


def sbom(repository: Path) -> str:
    """CycloneDX of what the images bring: the extras of uv.lock, without development's."""
    words = [uv(), "export", "--quiet", "--frozen", "--no-dev", "--format=cyclonedx1.5"]
    words += [f"--extra={name}" for name in ("operator", "runtime", "engine", "cli")]
    document = json.loads(call(words, repository))
    if not document.get("components"):
        raise PartError("the SBOM has no components: is uv.lock there?")
    return json.dumps(document, indent=1) + "\n"


def wheel(repository: Path, out: Path) -> None:
    """The distribution that `uv tool install` takes."""
    call([uv(), "build", "--quiet", "--wheel", f"--out-dir={out.absolute()}"], repository)
    (out / ".gitignore").unlink(missing_ok=True)


def commit(repository: Path) -> str:
    """The commit that is released. Raises PartError outside a repository."""
    return call(["git", "rev-parse", "HEAD"], repository).strip()


def krew(repository: Path, out: Path, version: str, downloads: str) -> None:
    """The archive of `kubectl krew install tandem` and its manifest, which has the archive's sum.

    The archive has one script: uv brings the command in its own environment, at this version.
    """
    archive = out / f"kubectl-tandem-{version}.tar.gz"
    script = (
        "#!/bin/sh\n"
        f"exec uv tool run --from 'tandem-operator[cli]=={version}' kubectl-tandem \"$@\"\n"
    ).encode()
    with tarfile.open(archive, "w:gz") as files:
        entry = tarfile.TarInfo("kubectl-tandem")
        entry.size, entry.mode = len(script), 0o755
        files.addfile(entry, io.BytesIO(script))
        files.add(repository / "LICENSE", "LICENSE")
    platforms = [
        {
            "selector": {"matchLabels": {"os": system, "arch": architecture}},
            "uri": f"{downloads}/{archive.name}",
            "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
            "bin": "kubectl-tandem",
        }
        for system in ("linux", "darwin")
        for architecture in ("amd64", "arm64")
    ]
    document = {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "tandem"},
        "spec": {
            "version": f"v{version}",
            "homepage": downloads,
            "shortDescription": "Speculative decoding on Kubernetes",
            "description": "Judges pairs of target and draft, shows what a manifest would make or "
            "change, simulates the tuner, and says what serves and why.",
            "caveats": "Needs uv, which brings Python and the command.",
            "platforms": platforms,
        },
    }
    (out / "tandem.krew.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
