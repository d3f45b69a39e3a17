"""A replica whose page a real Prometheus scrapes."""

from __future__ import annotations

from tandem_operator.metrics.replicas import Replica

REPLICA = Replica(
    pod="chat-1",
    uid="uid",
    address="127.0.0.1",
    port=8000,
    lock="aaaa",
    shape="x",
    speculation_loaded=True,
    tiers=(0, 1, 3),
)
