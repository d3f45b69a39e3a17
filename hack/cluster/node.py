"""One node: containerd, kubelet, kube-proxy and the scheduler, all inside the cluster's network."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from hack.cluster import binaries
from hack.cluster.credentials import Credentials
from hack.cluster.network import Network
from hack.cluster.pause import PAUSE_IMAGE, pause_archive
from hack.cluster.processes import start, wait_for
from hack.cluster.state import State

CGROUPS = Path("/sys/fs/cgroup")
CNI_PROGRAMS = "/usr/lib/cni"
IMAGE_NAMESPACE = "k8s.io"


def launch(state: State, held: Credentials, network: Network, ready: Callable[[], bool]) -> State:
    """Start the node's programs and wait until `ready` says that the node is.

    Raises StartError with the log of the program that failed.
    """
    programs = binaries.ensure()
    server = network.place().server
    _make_cgroups(network)
    _write_cni(state, network)
    config = state.folder / "containerd.toml"
    config.write_text(_containerd(state))
    state = start(state, "containerd", ["containerd", f"--config={config}"], network.namespace)
    wait_for(state, "containerd answers", lambda: _answers(state), 20, "containerd")
    load_archive(state, pause_archive())
    for user, program in (
        ("system:kube-scheduler", "kube-scheduler"),
        ("system:kube-proxy", "kube-proxy"),
        (f"system:node:{state.name}", "kubelet"),
    ):
        path = state.folder / f"{program}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(held.kubeconfig(server, user))
        words = [str(programs / program), *_arguments(program, state, held, network, path)]
        state = start(state, program, words, network.namespace)
    wait_for(state, "the node Ready", ready, 60, "kubelet")
    return state


def load_archive(state: State, archive: Path) -> None:
    """Bring the images of a docker-archive to the node.

    Raises RuntimeError with ctr's own words.
    """
    done = subprocess.run(
        [
            "ctr",
            f"--address={_socket(state)}",
            f"--namespace={IMAGE_NAMESPACE}",
            "images",
            "import",
            "--no-unpack=false",
            str(archive),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{archive} cannot be loaded: {done.stderr.strip()[-500:]}")


def cgroups(network: Network) -> list[Path]:
    """The folders of the cluster's cgroups, one a hierarchy (one in all under cgroup v2)."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS / network.namespace]
    return [
        hierarchy / network.namespace
        for hierarchy in sorted(CGROUPS.iterdir())
        if hierarchy.is_dir() and not hierarchy.is_symlink() and (hierarchy / "tasks").exists()
    ]


def _socket(state: State) -> Path:
    return state.folder / "containerd.sock"


def _answers(state: State) -> bool:
    words = ["ctr", f"--address={_socket(state)}", "--connect-timeout=1s", "version"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _arguments(
    program: str, state: State, held: Credentials, network: Network, kubeconfig: Path
) -> list[str]:
    if program == "kube-scheduler":
        return [f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--bind-address=127.0.0.1"]
    config = state.folder / f"{program}.json"
    if program == "kube-proxy":
        config.write_text(json.dumps(_proxy(state, network, kubeconfig)))
        return [f"--config={config}"]
    config.write_text(json.dumps(_kubelet(state, held, network)))
    return [
        f"--config={config}",
        f"--kubeconfig={kubeconfig}",
        f"--root-dir={state.folder / 'kubelet'}",
        f"--cert-dir={state.folder / 'kubelet-pki'}",
        f"--hostname-override={state.name}",
        f"--node-ip={network.node_address}",
    ]


def _kubelet(state: State, held: Credentials, network: Network) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "x509": {"clientCAFile": held.path("ca.crt")},
        },
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{network.namespace}",
        "cgroupsPerQOS": True,
        "enforceNodeAllocatable": [],
        "containerRuntimeEndpoint": f"unix://{_socket(state)}",
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
        "failCgroupV1": False,
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,
        "podLogsDir": str(state.folder / "pod-logs"),
        "resolvConf": "/etc/resolv.conf",
        "serializeImagePulls": False,
        "volumePluginDir": str(state.folder / "volume-plugins"),
    }


def _proxy(state: State, network: Network, kubeconfig: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "bindAddress": network.node_address,
        "clusterCIDR": network.pods,
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "hostnameOverride": state.name,
        # These would write sysctls that a network namespace does not have.
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "iptables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
    }


def _containerd(state: State) -> str:
    return f"""\
version = 2
root = "{state.folder / "containerd"}"
state = "{state.folder / "containerd-state"}"
[grpc]
address = "{_socket(state)}"
[plugins."io.containerd.grpc.v1.cri"]
# Without CAP_SYS_RESOURCE a lower score is refused and runc dies.
restrict_oom_score_adj = true
sandbox_image = "{PAUSE_IMAGE}"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_PROGRAMS}"
conf_dir = "{state.folder / "cni"}"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""


def _write_cni(state: State, network: Network) -> None:
    folder = state.folder / "cni"
    folder.mkdir(exist_ok=True)
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": str(state.folder / "addresses"),
            "ranges": [[{"subnet": network.pods}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    chain = {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }
    (folder / "10-pods.conflist").write_text(json.dumps(chain))


def _make_cgroups(network: Network) -> None:
    for folder in cgroups(network):
        folder.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            own, above = folder / name, folder.parent / name
            if own.exists() and above.exists() and not own.read_text().strip():
                own.write_text(above.read_text())


def programs_missing() -> list[str]:
    """Debian packages whose programs a node needs and this machine lacks."""
    needed = {
        "containerd": "containerd",
        "runc": "runc",
        "ip": "iproute2",
        "iptables": "iptables",
        "nsenter": "util-linux",
    }
    missing = {package for program, package in needed.items() if shutil.which(program) is None}
    if not (Path(CNI_PROGRAMS) / "bridge").exists():
        missing.add("containernetworking-plugins")
    return sorted(missing)
