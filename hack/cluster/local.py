"""The provider that needs nothing but this machine: Kubernetes' own programs, started here."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from dataclasses import replace
from pathlib import Path

from hack.cluster import binaries
from hack.cluster.cluster import Cluster, Provider
from hack.cluster.control_plane import control_plane
from hack.cluster.control_plane.control_plane import Place
from hack.cluster.control_plane.credentials import ADMIN, Credentials
from hack.cluster.ending import end, locked, sweep
from hack.cluster.node import containerd, network, node, packages
from hack.cluster.node.network import Network
from hack.cluster.processes import StartError, wait_for
from hack.cluster.state import State, every, load, this_process
from hack.images import static
from hack.images.builder import Image

NODE_READY_S = 60.0
TRIES = 3
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


def control_plane_up(manager: tuple[str, ...] = ()) -> Cluster:
    """etcd, API server and controller manager on loopback, for as long as this process lives.

    `manager` are further arguments of the controller manager.
    Raises StartError with a program's log.
    """
    sweep()
    binaries.ensure()
    for attempt in range(TRIES):
        state = State(f"plane-{os.getpid()}-{secrets.token_hex(3)}", this_process()).saved()
        place = control_plane.on_loopback()
        try:
            state, issued = control_plane.launch(state, place, manager=manager)
        except BaseException as error:
            _end_recorded(state.name)
            # Somebody else may have taken a free port in between.
            if isinstance(error, StartError) and attempt + 1 < TRIES:
                continue
            raise
        return _cluster(state, place, issued)
    raise AssertionError("unreachable: the last try returns or raises")


def up(name: str, *, keep: bool) -> Cluster:
    """A cluster with one Ready node; a running one of this name is returned as it is.

    `keep`: it stays after this process; else this process' end is the cluster's.
    Raises MissingProgramError, NetworkError, StartError or ValueError (the name), and leaves
    nothing then.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a cluster: use a-z, 0-9 and '-', at most 32")
    with locked("starting"):
        sweep()
        there = find(name)
        return _make(name, keep=keep) if there is None else there


def _make(name: str, *, keep: bool) -> Cluster:
    packages.ensure()
    binaries.ensure()
    archive, reference = static.ensure("pause")
    pause = Image(reference, archive)
    with locked():
        if (broken := load(name)) is not None:
            end(broken)
        taken = {state.network for state in every() if state.network is not None}
        subnet = network.free(taken)
        # Until it is Ready it is wanted by this process alone: half of a cluster is none.
        state = State(name, this_process(), subnet.number).saved()
    try:
        network.make(subnet)
        place = _place(subnet)
        state, issued = control_plane.launch(state, place, (node.NAME,))
        state = node.launch(state, issued, place, subnet, pause, in_memory=not keep)
        cluster = _cluster(state, place, issued)
        wait_for(state, "the node Ready", lambda: _node_ready(cluster), NODE_READY_S, "kubelet")
        replace(state, owner=None if keep else state.owner).saved()
    except BaseException:
        _end_recorded(name)
        raise
    return cluster


def down(name: str) -> bool:
    """End the cluster of this name; whether there was one."""
    with locked():
        state = load(name)
        if state is not None:
            end(state)
    return state is not None


def find(name: str) -> Cluster | None:
    """The running cluster of this name."""
    state = load(name)
    if state is None or state.network is None or not state.running:
        return None
    token = state.folder / "pki" / "tokens.csv"
    tokens = {line.split(",")[1]: line.split(",")[0] for line in token.read_text().splitlines()}
    issued = Credentials(state.folder / "pki", tokens)
    return _cluster(state, _place(Network(state.network)), issued)


def _place(subnet: Network) -> Place:
    return Place(
        address=subnet.node_address,
        services=subnet.services,
        first_service=subnet.first_service,
        port=6443,
        etcd_port=2379,
        etcd_peer_port=2380,
        manager_port=10257,
        namespace=subnet.namespace,
    )


def _cluster(state: State, place: Place, issued: Credentials) -> Cluster:
    def load_image(archive: Path) -> None:
        containerd.load(state, archive)

    def plain_registry(registry: str) -> None:
        containerd.pull_plainly(state, registry)

    def take_down() -> None:
        _end_recorded(state.name)

    on_node = state.network is not None
    return Cluster(
        name=state.name,
        provider=Provider.LOCAL,
        kubeconfig=state.kubeconfig,
        url=place.server,
        kubectl=binaries.location() / "kubectl",
        helm=binaries.location() / "helm",
        token=issued.tokens[ADMIN],
        authority=issued.folder / "ca.crt",
        services=place.services,
        audit_log=control_plane.audit_log(state),
        host_address=Network(state.network).host_address if state.network else place.address,
        load_image=load_image if on_node else None,
        plain_registry=plain_registry if on_node else None,
        end=take_down,
    )


def _end_recorded(name: str) -> None:
    with locked():
        if (state := load(name)) is not None:
            end(state)


def _node_ready(cluster: Cluster) -> bool:
    path = "{.status.conditions[?(@.type=='Ready')].status}"
    done = subprocess.run(
        [*cluster.kubectl_command(), "get", "node", node.NAME, "-o", f"jsonpath={path}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout == "True"
