"""Ports of this machine that nobody listens on."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Different ports that were free a moment ago; another process may be quicker to take one."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server((host, 0))) for _ in range(count)]
        return [int(listener.getsockname()[1]) for listener in listeners]


def free_port(host: str = "127.0.0.1") -> int:
    """One of them."""
    return free_ports(1, host)[0]
