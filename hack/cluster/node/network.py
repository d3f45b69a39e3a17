"""The network of one cluster with a node: a namespace, a veth pair to the host, and a pod bridge.

Everything is named after one number, so that several clusters stand side by side and a later run
can remove what a dead one left. Traffic stays on these links: nothing is forwarded beyond the host.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMESPACES = Path("/var/run/netns")
MOST_NETWORKS = 200


class NetworkError(Exception):
    """The kernel refused a part of the network; the message has its words."""


@dataclass(frozen=True)
class Network:
    """Names and addresses of the cluster with this number (1 to 200)."""

    number: int

    @property
    def namespace(self) -> str:
        return f"tandem-{self.number}"

    @property
    def host_link(self) -> str:
        return f"tandem-h{self.number}"

    @property
    def node_link(self) -> str:
        return f"tandem-n{self.number}"

    @property
    def bridge(self) -> str:
        return "tandem-pods"

    @property
    def host_address(self) -> str:
        """The host's address on the link: pods reach servers of the host there."""
        return f"10.211.{self.number}.1"

    @property
    def node_address(self) -> str:
        """The node's address on the link, also the API server's."""
        return f"10.211.{self.number}.2"

    @property
    def pods(self) -> str:
        return f"10.212.{self.number}.0/24"

    @property
    def gateway(self) -> str:
        return f"10.212.{self.number}.1"

    @property
    def services(self) -> str:
        return f"10.213.{self.number}.0/24"

    @property
    def first_service(self) -> str:
        return f"10.213.{self.number}.1"

    @property
    def exists(self) -> bool:
        return (NAMESPACES / self.namespace).exists() or _link_exists(self.host_link)


def free(taken: set[int]) -> Network:
    """The lowest number that no record and no namespace of this machine uses.

    Raises NetworkError when all are in use.
    """
    for number in range(1, MOST_NETWORKS + 1):
        network = Network(number)
        if number not in taken and not network.exists:
            return network
    raise NetworkError(f"all {MOST_NETWORKS} networks are in use: make cluster-down")


def make(network: Network) -> None:
    """Make namespace, links, bridge and routes. Raises NetworkError; `remove` undoes any part."""
    inside = ("ip", "-netns", network.namespace)
    for words in (
        ("ip", "netns", "add", network.namespace),
        ("ip", "link", "add", network.host_link, "type", "veth", "peer", "name", network.node_link),
        ("ip", "link", "set", network.node_link, "netns", network.namespace),
        ("ip", "address", "add", f"{network.host_address}/30", "dev", network.host_link),
        ("ip", "link", "set", network.host_link, "up"),
        (*inside, "link", "set", "lo", "up"),
        (*inside, "address", "add", f"{network.node_address}/30", "dev", network.node_link),
        (*inside, "link", "set", network.node_link, "up"),
        (*inside, "route", "add", "default", "via", network.host_address),
        (*inside, "link", "add", network.bridge, "type", "bridge"),
        (*inside, "address", "add", f"{network.gateway}/24", "dev", network.bridge),
        (*inside, "link", "set", network.bridge, "up"),
        (*entering(network), "sysctl", "-qw", "net.ipv4.ip_forward=1"),
        ("ip", "route", "add", network.pods, "via", network.node_address),
        ("ip", "route", "add", network.services, "via", network.node_address),
    ):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NetworkError(f"{' '.join(words)}: {done.stderr.strip()}")


def entering(network: Network) -> tuple[str, ...]:
    """The words that put a program into the network; only the network, or /sys would be another."""
    return ("nsenter", f"--net={NAMESPACES / network.namespace}")


def remove(network: Network) -> None:
    """Remove whatever is there of the network; its routes go with the link."""
    if _link_exists(network.host_link):
        subprocess.run(("ip", "link", "delete", network.host_link), check=False)
    if (NAMESPACES / network.namespace).exists():
        subprocess.run(("ip", "netns", "delete", network.namespace), check=False)


def _link_exists(name: str) -> bool:
    return Path("/sys/class/net", name).exists()
