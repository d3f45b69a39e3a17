"""A node: containerd, scheduler, kubelet and kube-proxy in the cluster's network namespace."""

from __future__ import annotations

import json
from pathlib import Path

from hack.cluster import binaries
from hack.cluster.control_plane.control_plane import Place, user_kubeconfig
from hack.cluster.control_plane.credentials import Credentials
from hack.cluster.node import containerd, control_groups
from hack.cluster.node.network import Network
from hack.cluster.processes import start
from hack.cluster.state import State
from hack.images.builder import Image

NAME = "node"
USER = f"system:node:{NAME}"


def launch(
    state: State,
    issued: Credentials,
    place: Place,
    network: Network,
    pause: Image,
    *,
    in_memory: bool,
) -> State:
    """Start a node; it becomes Ready a few seconds later. Raises StartError."""
    programs = binaries.ensure()
    control_groups.make(network.namespace)
    state = containerd.launch(state, network, pause.reference, in_memory=in_memory)
    containerd.load(state, pause.archive)
    scheduler = user_kubeconfig(state, issued, place, "system:kube-scheduler")
    state = start(
        state,
        "kube-scheduler",
        [
            str(programs / "kube-scheduler"),
            f"--kubeconfig={scheduler}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
        ],
        network.namespace,
    )
    state = start(
        state,
        "kubelet",
        [
            str(programs / "kubelet"),
            f"--kubeconfig={user_kubeconfig(state, issued, place, USER)}",
            f"--config={_write(state, 'kubelet.json', _kubelet(state, issued, network))}",
            f"--root-dir={state.folder / 'kubelet'}",
            f"--hostname-override={NAME}",
            f"--node-ip={network.node_address}",
        ],
        network.namespace,
    )
    return start(
        state,
        "kube-proxy",
        [
            str(programs / "kube-proxy"),
            f"--config={_write(state, 'kube-proxy.json', _proxy(state, issued, place, network))}",
        ],
        network.namespace,
    )


def _kubelet(state: State, issued: Credentials, network: Network) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": issued.path("ca.crt")},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": f"unix://{containerd.socket(state)}",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{network.namespace}",
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "podLogsDir": str(state.folder / "pod-logs"),
        "volumePluginDir": str(state.folder / "volume-plugins"),
        "staticPodPath": "",
        # Pods have no resolver, so that no test asks one outside by mistake.
        "resolvConf": "",
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "50Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
    }


def _proxy(state: State, issued: Credentials, place: Place, network: Network) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "hostnameOverride": NAME,
        "clusterCIDR": network.pods,
        "clientConnection": {
            "kubeconfig": str(user_kubeconfig(state, issued, place, "system:kube-proxy"))
        },
        # The host's limits on connections are not ours to change.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def _write(state: State, name: str, content: dict[str, object]) -> Path:
    path = state.folder / name
    path.write_text(json.dumps(content, indent=1))
    return path
