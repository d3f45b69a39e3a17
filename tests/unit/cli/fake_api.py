"""A fake API server on loopback: it answers GETs from what it is given, and checks nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

Object = dict[str, Any]

RESOURCES = "/apis/tandem.dev/v1alpha1"


@dataclass
class FakeApi:
    """What the server holds. `refusal` answers everything with that status and message."""

    port: int = 0
    crd_installed: bool = True
    resources: list[Object] = field(default_factory=list)
    config_maps: dict[str, dict[str, str]] = field(default_factory=dict)
    refusal: tuple[int, str] | None = None
    page_size: int = 500
    asked: list[str] = field(default_factory=list)
    objects: dict[str, Any] = field(default_factory=dict)
    """Answers by path: a document, or a page of text."""
    forbidden: tuple[str, ...] = ()
    """Beginnings of paths that this user may not read."""

    def kubeconfig(self, folder: Path, namespace: str = "shop") -> Path:
        """A kubeconfig whose context means `namespace`."""
        return kubeconfig(folder, f"http://127.0.0.1:{self.port}", namespace)

    def answer(self, path: str) -> tuple[int, Any]:
        split = urlsplit(path)
        query = parse_qs(split.query)
        if self.refusal is not None:
            return self.refusal[0], {"kind": "Status", "message": self.refusal[1]}
        if split.path.startswith(self.forbidden or ("/nothing",)):
            return 403, {"kind": "Status", "message": f"you may not see {split.path}"}
        if split.path in self.objects:
            return 200, self.objects[split.path]
        if split.path.startswith(RESOURCES):
            if not self.crd_installed:
                return 404, "404 page not found\n"
            return self._resources(split.path.removeprefix(RESOURCES).split("/")[1:], query)
        parts = split.path.split("/")
        if len(parts) != 7 or parts[5] != "configmaps":
            return 404, {"kind": "Status", "message": f"{split.path} not found"}
        _, _, _, _, namespace, kind, name = parts
        data = self.config_maps.get(f"{namespace}/{name}")
        if kind != "configmaps" or data is None:
            return 404, {"kind": "Status", "message": f"{kind} {name} not found"}
        return 200, {"kind": "ConfigMap", "metadata": {"name": name}, "data": data}

    def _resources(self, parts: list[str], query: dict[str, list[str]]) -> tuple[int, Any]:
        stored = self.resources
        if parts[0] == "namespaces":
            stored = [raw for raw in stored if raw["metadata"]["namespace"] == parts[1]]
            parts = parts[2:]
        if len(parts) == 2:
            matching = [raw for raw in stored if raw["metadata"]["name"] == parts[1]]
            return (200, matching[0]) if matching else (404, {"message": "not found"})
        first = int(query.get("continue", ["0"])[0])
        last = first + self.page_size
        more = str(last) if last < len(stored) else ""
        return 200, {"items": stored[first:last], "metadata": {"continue": more}}


@contextmanager
def serving() -> Iterator[FakeApi]:
    """A fake API server that runs until the block ends."""
    fake = FakeApi()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.asked.append(self.path)
            status, body = fake.answer(self.path)
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            kind = "text/plain" if isinstance(body, str) else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base has it
            """Say nothing: `asked` has it, and standard error is the command's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def kubeconfig(folder: Path, url: str, namespace: str) -> Path:
    """A kubeconfig of one context."""
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "one",
                "contexts": [
                    {
                        "name": "one",
                        "context": {"cluster": "one", "user": "one", "namespace": namespace},
                    }
                ],
                "clusters": [{"name": "one", "cluster": {"server": url}}],
                "users": [{"name": "one", "user": {"token": "x"}}],
            }
        )
    )
    return path
