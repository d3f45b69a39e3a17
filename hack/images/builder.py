"""Builds images with Docker or buildah, whichever is there, and keeps them as archives."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


class ImageError(Exception):
    """An image cannot be built; the message says what is missing or what failed."""


@dataclass(frozen=True)
class Image:
    """An image and where it lies as a docker-archive."""

    reference: str
    archive: Path

    @property
    def over_base_bytes(self) -> int:
        """Uncompressed size of all layers but the lowest, which is our base as a whole."""
        with tarfile.open(self.archive) as files:
            listed = files.extractfile("manifest.json")
            assert listed is not None  # a docker-archive has it as a plain file
            layers = json.load(listed)[0]["Layers"]
            sizes = {entry.name: entry.size for entry in files}
        return sum(sizes[layer] for layer in layers[1:])


@dataclass(frozen=True)
class Builder:
    """One of the two programs; both read the same Dockerfile."""

    program: str

    def build(
        self,
        image: Image,
        context: Path,
        dockerfile: Path,
        *,
        target: str | None = None,
        arguments: Mapping[str, str] | None = None,
    ) -> None:
        """Build one target and save it. Raises ImageError with the program's last words."""
        words = [self.program, "build"]
        if self.program == "buildah":
            # No daemon and no user namespace: works in a container and on a bare machine alike.
            words += ["--isolation=chroot", "--layers"]
            if BUNDLE.exists():  # what this machine trusts, where a proxy of its own signs again
                words.append(f"--volume={BUNDLE}:{BUNDLE}:ro")
        words += [f"--tag={image.reference}", f"--file={dockerfile}"]
        words += [f"--target={target}"] if target else []
        words += [f"--build-arg={name}={value}" for name, value in (arguments or {}).items()]
        run([*words, str(context)])
        part = image.archive.with_suffix(f".{os.getpid()}")
        part.unlink(missing_ok=True)
        if self.program == "buildah":
            run(
                [
                    "buildah",
                    "push",
                    image.reference,
                    f"docker-archive:{part}:{image.reference}",
                ]
            )
        else:
            run([self.program, "save", f"--output={part}", image.reference])
        part.replace(image.archive)

    def push(
        self,
        reference: str,
        context: Path,
        *,
        target: str,
        arguments: Mapping[str, str],
        platforms: str = "",
        plain_http: bool = False,
    ) -> str:
        """Build one target, for several platforms where they are named, and push it.

        Returns the digest in the registry. Raises ImageError with the program's last words.
        """
        shared = [f"--target={target}"] + [f"--build-arg={k}={v}" for k, v in arguments.items()]
        shared += [f"--platform={platforms}"] if platforms else []
        with tempfile.TemporaryDirectory() as folder:
            digest_file = Path(folder) / "digest"
            if self.program == "docker":
                words = ["docker", "buildx", "build", f"--tag={reference}", "--provenance=mode=max"]
                words += ["--push", f"--metadata-file={digest_file}", *shared, str(context)]
                run(words)
                return str(json.loads(digest_file.read_text())["containerimage.digest"])
            words = ["buildah", "build", "--isolation=chroot", "--layers", *shared]
            if BUNDLE.exists():
                words.append(f"--volume={BUNDLE}:{BUNDLE}:ro")
            run([*words, f"--{'manifest' if platforms else 'tag'}={reference}", str(context)])
            words = ["buildah", *(["manifest"] if platforms else []), "push"]
            words += [f"--digestfile={digest_file}", f"--tls-verify={str(not plain_http).lower()}"]
            words += ["--all"] if platforms else []
            run([*words, reference, f"docker://{reference}"])
            return digest_file.read_text().strip()

    def import_root(self, reference: str, tarball: Path) -> None:
        """Make an image of one layer from a root file system."""
        if self.program == "buildah":
            containerfile = tarball.parent / "Containerfile"
            containerfile.write_text(f"FROM scratch\nADD {tarball.name} /\n")
            words = ["buildah", "build", "--isolation=chroot"]
            run([*words, f"--tag={reference}", f"--file={containerfile}", str(tarball.parent)])
        else:
            run([self.program, "import", str(tarball), reference])

    def has(self, reference: str) -> bool:
        """Whether the program's own store has the image."""
        words = (
            ["buildah", "inspect", "--type=image", reference]
            if self.program == "buildah"
            else [self.program, "image", "inspect", reference]
        )
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    def forget(self, reference: str) -> None:
        """Remove an image from the program's own store; one that is not there is no failure."""
        subprocess.run([self.program, "rmi", reference], capture_output=True, check=False)


def builder() -> Builder:
    """Docker where it answers, else buildah, installed by apt-get where we may.

    Raises ImageError with the remedy.
    """
    if shutil.which("docker"):
        done = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
        if done.returncode == 0:
            return Builder("docker")
    ensure_packages({"buildah": "buildah"})
    return Builder("buildah")


def ensure_packages(packages: Mapping[str, str]) -> None:
    """Programs by the Debian package that brings them. Raises ImageError with the remedy."""
    missing = sorted({pkg for program, pkg in packages.items() if shutil.which(program) is None})
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ImageError(f"install {', '.join(missing)} (Debian packages), or Docker")
    print(f"installing {' '.join(missing)}", file=sys.stderr, flush=True)
    environ = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], environ)
    run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing], environ)


def run(words: list[str], environ: Mapping[str, str] | None = None) -> None:
    """Run a program. Raises ImageError with the end of what it said."""
    done = subprocess.run(
        words, env=os.environ | (environ or {}), capture_output=True, text=True, check=False
    )
    if done.returncode:
        output = (done.stderr or done.stdout).strip()
        raise ImageError(f"{' '.join(words[:4])} failed:\n{output[-1500:]}")
