"""Parts of a hub's file, so that a header is read without the weights behind it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.errors import CannotInspectError

MAX_SKIPPED_BYTES = 64 << 20
"""How much of a whole file is read past where a server ignores the range."""
_CHUNK_BYTES = 64 << 10


@dataclass(frozen=True)
class RangedFile:
    """One file at one commit of a hub; `token` None asks as a stranger."""

    endpoint: str
    repository: str
    name: str
    commit: str
    token: str | None = field(default=None, repr=False)

    def read(self, start: int, size: int) -> bytes:
        """Up to `size` bytes from `start`; fewer where the file ends before.

        Raises:
            CannotInspectError: the server sends other bytes than were asked for.
            HfHubHTTPError, httpx.HTTPError: as the hub's client.
        """
        from huggingface_hub import get_session, hf_hub_url, hf_raise_for_status

        url = hf_hub_url(self.repository, self.name, revision=self.commit, endpoint=self.endpoint)
        headers = {
            "Range": f"bytes={start}-{start + size - 1}",
            "Accept-Encoding": "identity",
        }
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        with get_session().stream("GET", url, headers=headers, follow_redirects=True) as response:
            if response.status_code == 416:
                return b""
            if response.is_error:
                response.read()  # the hub says in the body why
            hf_raise_for_status(response)
            skipped = start
            if response.status_code == 206:
                content_range = response.headers.get("Content-Range", "")
                if not content_range.startswith(f"bytes {start}-"):
                    raise self._cannot(
                        f"the hub sends {content_range[:60]!r} for bytes from {start}"
                    )
                skipped = 0
            if skipped > MAX_SKIPPED_BYTES:
                raise self._cannot(
                    f"the hub ignores ranges, and what is needed lies {start} bytes into the file"
                )
            received = bytearray()
            for chunk in response.iter_bytes(_CHUNK_BYTES):
                received += chunk[skipped:]
                skipped = max(0, skipped - len(chunk))
                if len(received) >= size:
                    # Leaving closes the connection: the rest is never sent.
                    break
        return bytes(received[:size])

    def _cannot(self, message: str) -> CannotInspectError:
        return CannotInspectError(lock_errors.LOCK_FAILED, f"{self.name}: {message}")
