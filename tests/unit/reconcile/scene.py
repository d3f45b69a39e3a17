"""An executor with its store, and the server in memory that it writes to."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from tandem_operator.cluster.store import Store
from tandem_operator.planning import Plan, Reference
from tandem_operator.reconcile.executor import Executor
from tandem_operator.reconcile.pod_monitors import PodMonitors
from tandem_operator.reconcile.requests.client import Client
from tests.unit.reconcile.world import KEY, NAMESPACE, HandClock, Hands, Object, Server

SERVICE = Reference("v1", "Service", "chat")


class Scene:
    """An actor, its store, and the server that it writes to."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.server = Server()
        self.hands = Hands(self.server)
        self.store = Store()
        client = cast(Client, self.hands)
        self.monitors = PodMonitors(client, self.store, ())
        self.executor = Executor(client, self.store, self.clock, "one", self.monitors)
        self.resource = self.server.put(
            {
                "apiVersion": "tandem.dev/v1alpha1",
                "kind": "SpeculativeDeployment",
                "metadata": {"name": "chat", "generation": 1},
            }
        )

    def execute(self, **plan: Any) -> bool:
        """Whether another reconciliation is due."""
        return asyncio.run(self.executor.execute(KEY, self.resource, Plan(**plan))) is not None

    def stored(self) -> list[Object]:
        return list(self.store.objects(KEY))


def service(port: int = 80, **metadata: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "chat", "namespace": NAMESPACE, **metadata},
        "spec": {"port": port},
    }
