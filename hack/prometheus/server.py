"""A real Prometheus on loopback for tests, from Debian's package, unpacked and not installed."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hack.cluster.binaries import CACHE, MissingProgramError

START_S = 30.0


def ensure() -> Path:
    """The program: an installed one, else Debian's, brought into the cache once.

    Raises MissingProgramError with the remedy.
    """
    installed = shutil.which("prometheus")
    if installed is not None:
        return Path(installed)
    program = CACHE / "prometheus" / "usr" / "bin" / "prometheus"
    if program.exists():
        return program
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise MissingProgramError("prometheus is missing: install it from its release or package")
    folder = CACHE / "prometheus"
    folder.mkdir(parents=True, exist_ok=True)
    fetched = subprocess.run(
        ["apt-get", "download", "prometheus"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    packages = sorted(folder.glob("prometheus_*.deb"))
    if fetched.returncode or not packages:
        raise MissingProgramError(
            f"apt-get download prometheus failed (apt-get update first?): {fetched.stderr.strip()}"
        )
    subprocess.run(["dpkg-deb", "-x", str(packages[-1]), str(folder)], check=True)
    return program


@contextmanager
def serve(
    folder: Path,
    port: int,
    targets: Mapping[str, Mapping[str, str]],
    tls: tuple[Path, Path] | None = None,
    honor_labels: bool = False,
) -> Iterator[str]:
    """Scrape `targets` (labels by address) every second; yields the server's URL.

    ``tls``: its certificate, for 127.0.0.1 and its own authority, and the key. ``honor_labels``:
    labels of a page go before those of its target.
    Raises RuntimeError with the end of its log when it does not get ready.
    """
    config: dict[str, Any] = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [
            {
                "job_name": "engines",
                "honor_labels": honor_labels,
                "static_configs": [
                    {"targets": [address], "labels": dict(labels)}
                    for address, labels in targets.items()
                ],
            }
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    words: list[str] = []
    context = None
    if tls is not None:
        certificate, key = map(str, tls)
        web_config = {"tls_server_config": {"cert_file": certificate, "key_file": key}}
        (folder / "web.yml").write_text(json.dumps(web_config))
        words = [f"--web.config.file={folder / 'web.yml'}"]
        context = ssl.create_default_context(cafile=certificate)
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    log = folder / "prometheus.log"
    with log.open("w") as sink:
        process = subprocess.Popen(
            [
                str(ensure()),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                *words,
            ],
            stdout=sink,
            stderr=sink,
        )
    try:
        end_s = time.monotonic() + START_S
        while not _ready(url, context):
            if process.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError(f"prometheus is not ready: {log.read_text()[-1000:]}")
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def _ready(url: str, context: ssl.SSLContext | None) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=1, context=context) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
