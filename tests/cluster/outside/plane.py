"""A control plane with the chart's rights, operators and tenants: what many tests begin with."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.cluster import Cluster
from tests.cluster.outside.operators import Operators, Process
from tests.cluster.outside.rights import REPOSITORY, install_rights
from tests.cluster.outside.room import Room
from tests.cluster.outside.server import Server
from tests.cluster.outside.waiting import wait
from tests.cluster.outside.webhooks import LABEL

FIRST = "first"


@dataclass(frozen=True)
class Plane:
    cluster: Cluster
    server: Server
    operators: Operators
    folder: Path

    def lead(self, identity: str = FIRST) -> Process:
        """Start an operator and wait until it leads."""
        made = self.operators.start(identity)
        wait(f"{identity} leads", made.leads, 60)
        return made

    @property
    def first(self) -> Process:
        return self.operators.running[FIRST]

    def room(self, webhook: str | None = None) -> Room:
        """One more namespace, with a webhook of that name where there is one."""
        name = f"room-{secrets.token_hex(4)}"
        self.cluster.make_namespace(name)
        if webhook is not None:
            self.cluster.run("label", "namespace", name, f"{LABEL}={webhook}")
        return Room(self.server, name)


@contextmanager
def up(new_control_plane: Callable[[], Cluster], folder: Path) -> Iterator[Plane]:
    """A control plane with the definition; no operator is started."""
    cluster = new_control_plane()
    cluster.install_crds(REPOSITORY / "crds")
    server = Server(cluster)
    operators = Operators(cluster, folder, install_rights(cluster, folder))
    try:
        yield Plane(cluster, server, operators, folder)
    finally:
        operators.end()
        server.close()
