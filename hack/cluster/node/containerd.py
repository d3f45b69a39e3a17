"""containerd for one node: its own root, state, socket and pod network."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from hack.cluster.node.network import Network
from hack.cluster.processes import start, wait_for
from hack.cluster.state import State

START_S = 30.0
FREE_BYTES = 8 << 30
NAMESPACE = "k8s.io"
PLUGIN_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))


class ImageError(Exception):
    """An image could not be loaded; the message has containerd's words."""


def socket(state: State) -> Path:
    """Its socket; socket paths must be short, so it is not in the cluster's folder."""
    return state.run_folder / "containerd.sock"


def launch(state: State, network: Network, pause_image: str, *, in_memory: bool) -> State:
    """Start containerd and wait until it answers. Raises StartError with its log.

    `in_memory` keeps images in memory where enough is free: on a busy disk, loading and deleting
    the 24,000 files of our images takes a minute, and a cluster of tests lives no longer.
    """
    root = state.folder / "containerd"
    root.mkdir(exist_ok=True)
    if in_memory and _free_bytes() >= FREE_BYTES:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0711", "tmpfs", str(root)], check=True)
    state.run_folder.mkdir(parents=True, exist_ok=True)
    conf = state.folder / "cni" / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    (conf / "10-tandem.conflist").write_text(json.dumps(_pod_network(state, network)))
    config = state.folder / "containerd.toml"
    config.write_text(_config(state, conf, pause_image))
    words = [shutil.which("containerd") or "containerd", f"--config={config}"]
    state = start(state, "containerd", words, network.namespace)
    wait_for(state, "containerd answering", lambda: _answers(state), START_S, "containerd")
    return state


def load(state: State, archive: Path) -> None:
    """Load the images of a docker-archive. Raises ImageError."""
    done = _ctr(state, "images", "import", "--digests", str(archive))
    if done.returncode:
        raise ImageError(f"cannot load {archive}: {done.stderr.strip()}")


def pull_plainly(state: State, registry: str) -> None:
    """Let the node pull from the registry `host:port` without TLS; it counts from the next pull."""
    folder = _hosts(state) / registry
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hosts.toml").write_text(
        f'server = "http://{registry}"\n[host."http://{registry}"]\n'
        '  capabilities = ["pull", "resolve"]\n'
    )


def images(state: State) -> list[str]:
    """References of the images that the node has."""
    return [line for line in _ctr(state, "images", "list", "-q").stdout.split() if "@" not in line]


def _hosts(state: State) -> Path:
    """Where containerd looks up how a registry is reached, at every pull."""
    return state.folder / "registries"


def _free_bytes() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def _answers(state: State) -> bool:
    return socket(state).exists() and _ctr(state, "version").returncode == 0


def _ctr(state: State, *words: str) -> subprocess.CompletedProcess[str]:
    command = ("ctr", f"--address={socket(state)}", f"--namespace={NAMESPACE}", *words)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _pod_network(state: State, network: Network) -> dict[str, object]:
    return {
        "cniVersion": "0.4.0",
        "name": network.namespace,
        "plugins": [
            {
                "type": "bridge",
                "bridge": network.bridge,
                "isGateway": True,
                "ipMasq": True,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(state.folder / "cni" / "addresses"),
                    "ranges": [[{"subnet": network.pods, "gateway": network.gateway}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _config(state: State, conf: Path, pause_image: str) -> str:
    plugins = next((folder for folder in PLUGIN_FOLDERS if folder.is_dir()), PLUGIN_FOLDERS[0])
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE runc cannot lower a score, and dies trying.
    # netns_mounts_under_state_dir: so that the pods' namespaces are found when the node ends.
    return f"""version = 2
root = "{state.folder / "containerd"}"
state = "{state.run_folder / "containerd"}"
[grpc]
  address = "{socket(state)}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{state.folder / "containerd" / "opt"}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause_image}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{conf}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{_hosts(state)}"
"""
