"""The hook that runs in the engine's container, as a process before a server on loopback."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tandem_operator.engines.pod import drain

GAUGES = ("vllm:num_requests_running", "vllm:num_requests_waiting")


def page(running: int, waiting: int) -> str:
    return (
        "# TYPE vllm:num_requests_running gauge\n"
        f'vllm:num_requests_running{{engine="0"}} {running}.0\n'
        f'vllm:num_requests_waiting{{engine="0"}} {waiting}.0\n'
        'vllm:num_requests_waiting_by_reason{reason="capacity"} 0.0\n'
        "vllm:generation_tokens_total 12345.0\n"
    )


@contextmanager
def engine(pages: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Serves one page after the other, the last one forever; gives its URL and what is left."""
    left = list(pages)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = (left.pop(0) if len(left) > 1 else left[0]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Nothing on the terminal of the tests."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics", left
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def run(url: str, limit_s: float) -> int:
    words = [sys.executable, "-c", drain.SCRIPT, url, "0", str(limit_s), *GAUGES]
    return subprocess.run(words, timeout=30, check=False).returncode


def test_it_waits_until_nothing_runs_and_nothing_waits() -> None:
    with engine([page(2, 1), page(0, 1), page(0, 0)]) as (url, left):
        assert run(url, 20) == 0
        assert left == [page(0, 0)]


def test_it_gives_up_at_its_limit() -> None:
    with engine([page(1, 0)]) as (url, _):
        assert run(url, 0.5) == 0


def test_an_engine_that_is_gone_is_not_waited_for() -> None:
    with engine([page(1, 0)]) as (url, _):
        pass

    assert run(url, 20) == 0
