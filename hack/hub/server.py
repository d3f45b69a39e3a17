"""A hub on loopback that answers the client library's real requests.

Model information, file trees, HEAD and ranged GET of files with commit and ETag, large files behind
a redirect, and the ways of saying no: private, gated, unknown, broken for a while.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from hack.hub import answers
from hack.hub.repository import Access, Repository, StoredFile

_INFO = re.compile(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?")
_TREE = re.compile(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)(?:/.*)?")
_FILE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_LARGE = re.compile(r"/large/([0-9a-f]{40})/([0-9a-f]{64})")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_CHUNK_BYTES = 64 << 10
_POLL_S = 0.02
"""How soon the server sees that it shall end."""


@dataclass(frozen=True)
class RefusedError(Exception):
    """An answer other than the wanted one, with the hub's own error headers."""

    status: int
    code: str = ""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What was asked, for tests that count."""

    method: str
    path: str
    token: str | None
    range: str | None = None


class LocalHub:
    """A running hub. Use as a context manager; safe to change while it serves."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.repositories: dict[str, Repository] = {}
        self.requests: list[Request] = []
        self._large: dict[str, StoredFile] = {}
        self.sent_bytes: Counter[str] = Counter()
        """Bodies of large files that went out, by SHA-256."""
        self.ignores_ranges = False
        self._renamed: dict[str, str] = {}
        self._failures: list[tuple[int, dict[str, str]] | None] = []
        self._cut_after_bytes: int | None = None
        self._stall_after_bytes: int | None = None
        self.holding = threading.Event()
        self._let_go = threading.Event()
        hub = self

        handler = type("Handler", (_Handler,), {"hub": hub})
        self._server = ThreadingHTTPServer((host, port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.let_downloads_go()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def endpoint(self) -> str:
        """For HF_ENDPOINT."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def commit(
        self,
        name: str,
        files: Path | dict[str, bytes],
        branch: str = "main",
        access: Access = Access.PUBLIC,
        tokens: Iterable[str] = (),
        accepted: Iterable[str] = (),
    ) -> str:
        """Add a commit to a repository, made where it is new; returns the commit's id."""
        if isinstance(files, Path):
            files = {
                str(path.relative_to(files)): path.read_bytes()
                for path in sorted(files.rglob("*"))
                if path.is_file() and ".cache" not in path.parts
            }
        repository = self.repositories.setdefault(name, Repository(name))
        repository.access = access
        repository.tokens = frozenset(tokens)
        repository.accepted = frozenset(accepted)
        commit = repository.commit(files, branch)
        for file in repository.commits[commit].values():
            if file.sha256 is not None:
                self._large[file.sha256] = file
        return commit

    def fail(
        self, status: int, times: int, headers: Mapping[str, str] | None = None, after: int = 0
    ) -> None:
        """Answer `times` requests with this status and these headers, `after` that many are well.

        Status 200 answers with a page for people, as a portal before the network does.
        """
        self._failures.extend([None] * after)
        self._failures.extend([(status, dict(headers or {}))] * times)

    def rename(self, old: str, new: str) -> None:
        """Give a repository another name; the old one leads there, as on a real hub."""
        self.repositories[new] = self.repositories.pop(old)
        self.repositories[new].name = new
        self._renamed[old] = new

    def cut_downloads_after(self, count_bytes: int | None) -> None:
        """Close the connection in the middle of every longer body; None ends that."""
        self._cut_after_bytes = count_bytes

    def hold_downloads_after(self, count_bytes: int) -> None:
        """Keep every longer body waiting in its middle until `let_downloads_go`.

        `holding` is set once a client waits.
        """
        self.holding.clear()
        self._let_go.clear()
        self._stall_after_bytes = count_bytes

    def let_downloads_go(self) -> None:
        """End what `hold_downloads_after` began."""
        self._stall_after_bytes = None
        self._let_go.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LocalHub

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, *_: object) -> None:
        """Tests read `LocalHub.requests` instead."""

    def _answer(self, with_body: bool) -> None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ").strip() or None
        self.hub.requests.append(Request(self.command, self.path, token, self.headers.get("Range")))
        try:
            failure = self.hub._failures.pop(0) if self.hub._failures else None
            if failure is not None:
                status, message = failure
                raise RefusedError(status, message="broken on purpose", headers=message)
            self._dispatch(token, with_body)
        except RefusedError as refusal:
            self._refuse(refusal, with_body)

    def _dispatch(self, token: str | None, with_body: bool) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        for old, new in self.hub._renamed.items():
            if re.search(rf"(?:/models)?/{re.escape(old)}(?:/|$)", path):
                moved = {"Location": self.path.replace(old, new, 1)}
                raise RefusedError(307, message=f"moved to {new}", headers=moved)
        if match := _LARGE.fullmatch(path):
            self._send_file(self.hub._large[match[2]], match[1], with_body, large=True)
        elif match := _TREE.fullmatch(path):
            repository, commit = self._open(match[1], match[2], token)
            self._send_json([answers.entry(*item) for item in repository.commits[commit].items()])
        elif match := _INFO.fullmatch(path):
            repository, commit = self._open(match[1], match[2] or "main", token, listing=True)
            blobs = parse_qs(parts.query).get("blobs") == ["true"]
            self._send_json(answers.info(repository, commit, blobs))
        elif match := _FILE.fullmatch(path):
            repository, commit = self._open(match[1], match[2], token)
            file = repository.commits[commit].get(match[3])
            if file is None:
                raise RefusedError(404, "EntryNotFound", "Entry not found")
            self._send_file(file, commit, with_body)
        else:
            raise RefusedError(404, message="Not found")

    def _open(
        self, name: str, revision: str, token: str | None, listing: bool = False
    ) -> tuple[Repository, str]:
        """The repository and commit that this token may read. A gated one's listing is open."""
        repository = self.hub.repositories.get(name)
        if repository is None or (
            repository.access is Access.PRIVATE and token not in repository.tokens
        ):
            # A stranger is not told whether a repository exists.
            if token is None:
                raise RefusedError(401, "RepoNotFound", "Invalid username or password.")
            raise RefusedError(404, "RepoNotFound", "Repository not found")
        if repository.access is Access.GATED and not listing:
            if token not in repository.tokens:
                raise RefusedError(401, "GatedRepo", "Access to this model is restricted.")
            if token not in repository.accepted:
                raise RefusedError(403, "GatedRepo", "Your account is not in the authorized list.")
        commit = repository.resolve(revision)
        if commit is None:
            raise RefusedError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return repository, commit

    def _send_file(
        self, file: StoredFile, commit: str, with_body: bool, large: bool = False
    ) -> None:
        headers = {
            "ETag": f'"{file.etag}"',
            "Accept-Ranges": "bytes",
            # Also behind the redirect: the client follows one to the same host before it reads.
            "X-Repo-Commit": commit,
        }
        if file.sha256 is not None and not large:
            headers |= {
                "X-Linked-Etag": f'"{file.sha256}"',
                "X-Linked-Size": str(len(file.content)),
                "Location": f"{self.hub.endpoint}/large/{commit}/{file.sha256}",
            }
            self._send(HTTPStatus.FOUND, headers, b"", with_body)
            return
        match = _RANGE.fullmatch(self.headers.get("Range") or "")
        if match is None or self.hub.ignores_ranges:
            self._send(HTTPStatus.OK, headers, file.content, with_body)
            return
        size = len(file.content)
        start, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
        if start >= size:
            raise RefusedError(416, message="Range not satisfiable")
        headers["Content-Range"] = f"bytes {start}-{last}/{size}"
        self._send(HTTPStatus.PARTIAL_CONTENT, headers, file.content[start : last + 1], with_body)

    def _send_json(self, value: object) -> None:
        content = json.dumps(value).encode()
        self._send(HTTPStatus.OK, {"Content-Type": "application/json"}, content, True)

    def _refuse(self, refusal: RefusedError, with_body: bool) -> None:
        headers = {"Content-Type": "application/json", **refusal.headers}
        if refusal.code:
            headers["X-Error-Code"] = refusal.code
        if refusal.message:
            headers["X-Error-Message"] = refusal.message
        content = json.dumps({"error": refusal.message}).encode()
        if refusal.status == HTTPStatus.OK:
            content = b"<html>Please sign in to this network.</html>"
        self._send(refusal.status, headers, content, with_body)

    def _send(self, status: int, headers: dict[str, str], content: bytes, with_body: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not with_body:
            return
        cut = self.hub._cut_after_bytes
        if cut is not None and len(content) > cut:
            self.wfile.write(content[:cut])
            self.close_connection = True
            return
        stall_after = self.hub._stall_after_bytes
        if stall_after is not None and len(content) > stall_after:
            self.wfile.write(content[:stall_after])
            self.wfile.flush()
            self.hub.holding.set()
            self.hub._let_go.wait()
            content = content[stall_after:]
        large = _LARGE.fullmatch(self.path)
        try:
            for start in range(0, len(content), _CHUNK_BYTES):
                chunk = content[start : start + _CHUNK_BYTES]
                self.wfile.write(chunk)
                if large is not None:
                    self.hub.sent_bytes[large[2]] += len(chunk)
        except ConnectionError:
            self.close_connection = True  # the client was killed, or has what it wanted
