"""Programs that a local node needs from the system, and where they come from."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from hack.cluster.binaries import MissingProgramError

OTHERS = "use CLUSTER=kind (needs Docker) or CLUSTER=current (your kubeconfig's context)"
NODE = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "sysctl": "procps",
}
"""Program and the Debian package that has it."""
NETWORK_PLUGINS = "containernetworking-plugins"
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def ensure(programs: dict[str, str] | None = None) -> None:
    """Install what is missing, as root on Debian; else raise MissingProgramError with the names."""
    if problem := unsuitable(platform.system(), os.geteuid()):
        raise MissingProgramError(problem)
    missing = lacking(programs)
    if not missing:
        return
    names = " ".join(missing)
    if shutil.which("apt-get") is None:
        raise MissingProgramError(
            f"missing: {names}; install them with your package manager, or {OTHERS}"
        )
    print(f"installing {names} with apt-get", file=sys.stderr, flush=True)
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-qy", "--no-install-recommends", *missing],
    ):
        done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MissingProgramError(
                f"{' '.join(words)} failed:\n{done.stderr[-1500:]}\nor {OTHERS}"
            )


def lacking(programs: dict[str, str] | None = None) -> tuple[str, ...]:
    """The Debian packages of `programs` (None: of a node) that are not here, by name."""
    wanted = NODE if programs is None else programs
    missing = {p for name, p in wanted.items() if shutil.which(name, path=_PATH) is None}
    if programs is None and not any(
        (folder / "bridge").exists() for folder in (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
    ):
        missing.add(NETWORK_PLUGINS)
    return tuple(sorted(missing))


def unsuitable(system: str, user: int) -> str | None:
    """Why a machine like this can never run a local node, or None."""
    if system != "Linux":
        return f"a local node needs Linux, and this is {system}: {OTHERS}"
    if user != 0:
        return f"a local node needs root (containers and network namespaces): use sudo, or {OTHERS}"
    return None
