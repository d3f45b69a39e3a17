"""A network namespace a cluster: all ports can be the default ones, and nothing meets another's.

A veth pair joins it to this machine, which routes the pods' and the Services' ranges through it.
"""

from __future__ import annotations

import ipaddress
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.control_plane import Place

NUMBERS = range(64)
BASE = 200
"""Ranges are 10.200.N.0/24 (link), 10.201.N.0/24 (pods) and 10.202.N.0/24 (Services)."""


class NetworkError(Exception):
    """The machine does not let us make a network namespace; the message says why."""


@dataclass(frozen=True)
class Network:
    number: int

    @property
    def namespace(self) -> str:
        return f"tandem-{self.number}"

    @property
    def host_link(self) -> str:
        return f"tandem{self.number}h"

    @property
    def host_address(self) -> str:
        return f"10.{BASE}.{self.number}.1"

    @property
    def node_address(self) -> str:
        return f"10.{BASE}.{self.number}.2"

    @property
    def pods(self) -> str:
        return f"10.{BASE + 1}.{self.number}.0/24"

    @property
    def services(self) -> str:
        return f"10.{BASE + 2}.{self.number}.0/24"

    def place(self) -> Place:
        """The control plane's addresses inside the namespace."""
        return Place(
            address=self.node_address,
            services=self.services,
            first_service=f"10.{BASE + 2}.{self.number}.1",
            port=6443,
            etcd_port=2379,
            etcd_peer_port=2380,
            manager_port=10257,
            namespace=self.namespace,
        )


def free(taken: set[int]) -> Network:
    """A network whose number is not `taken` and whose ranges no route of this machine meets.

    Raises NetworkError when there is none.
    """
    routes = [
        ipaddress.ip_network(line.split()[0], strict=False)
        for line in _ip("route").splitlines()
        if line and line[0].isdigit()
    ]
    for number in NUMBERS:
        network = Network(number)
        ranges = [f"10.{BASE}.{number}.0/24", network.pods, network.services]
        meets = any(ipaddress.ip_network(r).overlaps(route) for r in ranges for route in routes)
        if number not in taken and not meets and not _namespace_path(network).exists():
            return network
    raise NetworkError("no free range among 10.200-202.0-63.0/24: end a cluster with cluster-down")


def make(network: Network) -> None:
    """Make the namespace, its link to this machine, and the routes."""
    inside = f"tandem{network.number}n"
    _ip("netns", "add", network.namespace)
    _ip("link", "add", network.host_link, "type", "veth", "peer", "name", inside)
    _ip("link", "set", inside, "netns", network.namespace)
    _ip("addr", "add", f"{network.host_address}/24", "dev", network.host_link)
    _ip("link", "set", network.host_link, "up")
    within = ("-n", network.namespace)
    _ip(*within, "addr", "add", f"{network.node_address}/24", "dev", inside)
    _ip(*within, "link", "set", "lo", "up")
    _ip(*within, "link", "set", inside, "up")
    _ip(*within, "route", "add", "default", "via", network.host_address)
    for name in ("ip_forward", "conf/all/route_localnet"):
        _enter(network, "sh", "-c", f"echo 1 > /proc/sys/net/ipv4/{name}")
    for reached in (network.pods, network.services):
        _ip("route", "add", reached, "via", network.node_address)


def remove(network: Network) -> None:
    """Remove what `make` made; what is gone already is fine."""
    if _namespace_path(network).exists():
        _ip("netns", "del", network.namespace)
    if (Path("/sys/class/net") / network.host_link).exists():
        _ip("link", "del", network.host_link)


def _namespace_path(network: Network) -> Path:
    return Path("/var/run/netns") / network.namespace


def _enter(network: Network, *words: str) -> None:
    _run("nsenter", f"--net={_namespace_path(network)}", *words)


def _ip(*words: str) -> str:
    return _run("ip", *words)


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NetworkError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
