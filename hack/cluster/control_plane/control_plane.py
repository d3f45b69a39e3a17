"""etcd, API server and controller manager: what a Kubernetes is without nodes."""

from __future__ import annotations

import json
import ssl
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import binaries
from hack.cluster.control_plane import credentials
from hack.cluster.control_plane.credentials import Credentials
from hack.cluster.processes import start, wait_for
from hack.cluster.state import State
from hack.environment.ports import free_ports

READY_S = 60.0


@dataclass(frozen=True)
class Place:
    """Where a control plane listens: loopback with free ports, or a network namespace of its own.

    ``address`` is the one that clients use; ``services`` the range of cluster IPs, whose first
    address is the API server's own Service.
    """

    address: str
    services: str
    first_service: str
    port: int
    etcd_port: int
    etcd_peer_port: int
    manager_port: int
    namespace: str | None = None

    @property
    def server(self) -> str:
        return f"https://{self.address}:{self.port}"


def on_loopback() -> Place:
    """Free ports of this moment; whoever loses a race for one starts again."""
    ports = free_ports(4)
    return Place("127.0.0.1", "10.96.0.0/16", "10.96.0.1", ports[0], ports[1], ports[2], ports[3])


def launch(
    state: State, place: Place, nodes: tuple[str, ...] = (), manager: tuple[str, ...] = ()
) -> tuple[State, Credentials]:
    """Start the three programs and wait until the API server is ready.

    `manager` are further arguments of the controller manager.
    Raises StartError with the log of the program that failed.
    """
    programs = binaries.ensure()
    issued = credentials.make(
        state.folder / "pki", (place.address, place.first_service, "127.0.0.1"), nodes
    )
    state.kubeconfig.write_text(issued.kubeconfig(place.server, credentials.ADMIN))
    state.kubeconfig.chmod(0o600)
    state = start(state, "etcd", _etcd(programs, state, place), place.namespace)
    state = start(
        state, "kube-apiserver", _apiserver(programs, state, issued, place), place.namespace
    )
    wait_for(state, "the API server ready", lambda: ready(place, issued), READY_S, "kube-apiserver")
    user = "system:kube-controller-manager"
    state = start(
        state,
        "kube-controller-manager",
        [
            str(programs / "kube-controller-manager"),
            f"--kubeconfig={user_kubeconfig(state, issued, place, user)}",
            f"--service-account-private-key-file={issued.path('service-account.key')}",
            f"--root-ca-file={issued.path('ca.crt')}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={place.manager_port}",
            "--concurrent-gc-syncs=4",
            *manager,
        ],
        place.namespace,
    )
    return state, issued


def ready(place: Place, issued: Credentials) -> bool:
    """Whether the API server answers that it is ready."""
    request = urllib.request.Request(
        f"{place.server}/readyz", headers={"Authorization": f"Bearer {issued.tokens['admin']}"}
    )
    context = ssl.create_default_context(cafile=issued.path("ca.crt"))
    try:
        with urllib.request.urlopen(request, timeout=2, context=context) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def user_kubeconfig(state: State, issued: Credentials, place: Place, user: str) -> Path:
    """A kubeconfig file of one of the cluster's own programs."""
    path = state.folder / f"{user.rpartition(':')[2]}.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(issued.kubeconfig(place.server, user))
    return path


def _etcd(programs: Path, state: State, place: Place) -> list[str]:
    client, peer = (f"http://127.0.0.1:{p}" for p in (place.etcd_port, place.etcd_peer_port))
    return [
        str(programs / "etcd"),
        f"--data-dir={state.folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=error",
    ]


def _apiserver(programs: Path, state: State, issued: Credentials, place: Place) -> list[str]:
    policy = state.folder / "audit-policy.json"
    policy.write_text(json.dumps(AUDIT_POLICY))
    everywhere = place.namespace is not None
    return [
        str(programs / "kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{place.etcd_port}",
        f"--secure-port={place.port}",
        f"--bind-address={'0.0.0.0' if everywhere else '127.0.0.1'}",
        f"--advertise-address={place.address}",
        f"--endpoint-reconciler-type={'master-count' if everywhere else 'none'}",
        f"--service-cluster-ip-range={place.services}",
        f"--tls-cert-file={issued.path('apiserver.crt')}",
        f"--tls-private-key-file={issued.path('apiserver.key')}",
        f"--client-ca-file={issued.path('ca.crt')}",
        f"--token-auth-file={issued.path('tokens.csv')}",
        f"--service-account-key-file={issued.path('service-account.key')}",
        f"--service-account-signing-key-file={issued.path('service-account.key')}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged",
        f"--kubelet-client-certificate={issued.path('kubelet-client.crt')}",
        f"--kubelet-client-key={issued.path('kubelet-client.key')}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--audit-policy-file={policy}",
        f"--audit-log-path={audit_log(state)}",
        "--shutdown-delay-duration=0s",
    ]


def audit_log(state: State) -> Path:
    """JSON lines, one for each finished write."""
    return state.folder / "audit.jsonl"


AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "None", "userGroups": ["system:nodes"]},
        {
            "level": "None",
            "users": [
                "system:apiserver",
                "system:kube-controller-manager",
                "system:kube-scheduler",
            ],
        },
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
        {"level": "None", "verbs": ["get", "list", "watch"]},
        {"level": "Metadata"},
    ],
}
"""Writes by people, and all requests of service accounts, so that tests can count who did what."""
