"""`make release REGISTRY=...`: everything of one version, pushed and in a folder.

Images are built by Docker or buildah and pushed; the chart gets their digests, is packaged and
pushed as an OCI artifact; `install.yaml` is what that chart renders; the SBOM is made from uv.lock;
`SHA256SUMS` is over all files. `--plain-http` is for a registry on this machine.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from hack.cluster import binaries
from hack.images.builder import ImageError, builder
from hack.release import chart, parts

REPOSITORY = Path(__file__).parents[2]
IMAGES = ("operator", "runtime", "engine")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hack.release", description=__doc__)
    parser.add_argument("--registry", required=True, help="host[:port]/path for images and charts")
    parser.add_argument("--version", default=version(), help="default: that of pyproject.toml")
    parser.add_argument("--out", type=Path, default=Path("dist"))
    parser.add_argument("--plain-http", action="store_true", help="a registry on this machine")
    parser.add_argument(
        "--images", nargs="+", choices=IMAGES, default=list(IMAGES), help="default: all"
    )
    parser.add_argument("--downloads", help="URL of the folder of files: makes the krew manifest")
    parser.add_argument("--platforms", default="", help="linux/amd64,linux/arm64 (Docker buildx)")
    words = parser.parse_args()
    try:
        release(words)
    except (ImageError, binaries.MissingProgramError, parts.PartError) as problem:
        print(f"release failed: {problem}", file=sys.stderr)
        return 1
    return 0


def release(words: argparse.Namespace) -> None:
    """Make all parts. Raises ImageError, MissingProgramError and PartError."""
    registry = words.registry.rstrip("/")
    shutil.rmtree(words.out, ignore_errors=True)
    words.out.mkdir(parents=True)
    arguments = {"BUILD": parts.commit(REPOSITORY)}
    if "BASE_IMAGE" in os.environ:
        # A digest, where it is known: the Dockerfile has a tag, for none can be had offline.
        arguments["BASE_IMAGE"] = os.environ["BASE_IMAGE"]
    pushed = {}
    for name in words.images:
        reference = f"{registry}/tandem-{name}:{words.version}"
        say(f"building and pushing {reference}")
        pushed[name] = builder().push(
            reference,
            REPOSITORY,
            target=name,
            arguments=arguments,
            platforms=words.platforms,
            plain_http=words.plain_http,
        )
        say(f"  {pushed[name]}")
    helm = shutil.which("helm") or str(binaries.ensure_clients() / "helm")
    packed = chart.package(
        helm, REPOSITORY / "charts" / "tandem", words.out, words.version, registry, pushed
    )
    digest = chart.push(helm, packed, registry, plain_http=words.plain_http)
    say(f"pushed oci://{registry}/charts/tandem:{words.version} {digest}")
    (words.out / "install.yaml").write_text(chart.render(helm, packed))
    (words.out / "digests.txt").write_text(
        "".join(f"{registry}/tandem-{name}@{value}\n" for name, value in pushed.items())
        + f"{registry}/charts/tandem@{digest}\n"
    )
    (words.out / "sbom.cdx.json").write_text(parts.sbom(REPOSITORY))
    parts.wheel(REPOSITORY, words.out)
    if words.downloads:
        parts.krew(REPOSITORY, words.out, words.version, words.downloads.rstrip("/"))
    files = sorted(path for path in words.out.iterdir() if path.is_file())
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (words.out / "SHA256SUMS").write_text("".join(sums))
    say(f"{words.out}: {', '.join(path.name for path in files)}, SHA256SUMS")


def version() -> str:
    """The version in pyproject.toml."""
    document = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    return str(document["project"]["version"])


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.TimeoutExpired as late:
        sys.exit(f"release failed: {late}")
