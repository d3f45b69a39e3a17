"""A wire between an operator and the API server that can be slow, and cut."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path


class Proxy:
    """TCP on loopback; `delay_s` passes before each piece that the operator sends goes on."""

    def __init__(self, to_port: int, delay_s: float = 0.0) -> None:
        self._to_port = to_port
        self._delay_s = delay_s
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def put_before(self, kubeconfig: Path, url: str) -> None:
        """Whoever reads that kubeconfig goes through here."""
        text = kubeconfig.read_text().replace(url, f"https://127.0.0.1:{self.port}")
        kubeconfig.write_text(text)

    def cut(self) -> None:
        """Every open connection ends, as a load balancer or a restart does."""
        connections, self._open = self._open, []
        for each in connections:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
                there = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                if self._listener.fileno() == -1:
                    return
                continue
            self._open += [here, there]
            for one, other, delay_s in ((here, there, self._delay_s), (there, here, 0.0)):
                threading.Thread(target=_pump, args=(one, other, delay_s), daemon=True).start()


def _pump(one: socket.socket, other: socket.socket, delay_s: float) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            time.sleep(delay_s)
            other.sendall(data)
    for each in (one, other):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
            each.close()
