"""The resource of the demo: applied, waited for, measured, and refused where it must be."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hack.demo.environment.kubectl import DemoError, Kubectl, condition

NAME = "chat"
WRONG = "wrong-pair"
EXAMPLES = Path(__file__).parents[2] / "examples" / "demo"

MANIFESTS = {"vllm": "chat.yaml", "torch": "chat-torch.yaml"}
"""The served pair by the name of its engine."""

Say = Callable[[str], None]


def manifest(engine: str) -> Path:
    """What the demo serves. Raises DemoError when `engine` is none of the demo's."""
    if engine not in MANIFESTS:
        raise DemoError(f"engine {engine}: the demo serves {' or '.join(MANIFESTS)}")
    return EXAMPLES / MANIFESTS[engine]


def apply_and_wait(kubectl: Kubectl, served: Path, say: Say, timeout_s: float = 420) -> None:
    """Apply the pair of the manifest `served` and wait until it is Ready.

    Raises DemoError at once when it is Stalled, with the condition's message.
    """
    kubectl.apply(served.read_text())

    def check() -> tuple[bool, str]:
        resource = kubectl.get("specdep", NAME)
        stalled = condition(resource, "Stalled")
        if stalled is not None:
            raise DemoError(f"{NAME} is Stalled: {stalled['reason']}: {stalled['message']}")
        ready = condition(resource, "Ready")
        if ready is None:
            return False, "not reconciled yet"
        reconciling = condition(resource, "Reconciling")
        settled = ready["status"] == "True" and reconciling is None
        shown = reconciling or ready
        return settled, f"{shown['reason']}: {shown['message']}"

    kubectl.wait_for(f"specdep/{NAME}", check, timeout_s, say)


def wait_for_tokens(kubectl: Kubectl, maximum: int | None, say: Say) -> None:
    """Set or clear `tuning.maxTokens` (0 turns speculation off, live) and wait for the engines."""
    patch = json.dumps({"spec": {"tuning": {"maxTokens": maximum}}})
    kubectl.run("patch", "specdep", NAME, "--type=merge", "-p", patch)
    wanted = "KillSwitch" if maximum == 0 else None

    def check() -> tuple[bool, str]:
        resource = kubectl.get("specdep", NAME)
        speculation = resource["status"].get("speculation", {})
        active = condition(resource, "SpeculationActive") or {}
        applied = speculation.get("appliedReplicas", 0)
        in_force = applied == resource["spec"]["replicas"] and (
            active.get("reason") == "KillSwitch"
        ) == (wanted is not None)
        return in_force, f"{active.get('reason')}, applied by {applied}"

    kubectl.wait_for("the table", check, 60, say)


def refusal(kubectl: Kubectl, say: Say) -> str:
    """Apply the wrong pair; returns the message of its refusal.

    Raises DemoError when it is not refused within a minute, or when a pod was made for it.
    """
    kubectl.apply((EXAMPLES / "wrong-pair.yaml").read_text())
    message = ""

    def check() -> tuple[bool, str]:
        nonlocal message
        resource = kubectl.get("specdep", WRONG)
        stalled = condition(resource, "Stalled")
        if stalled is None:
            ready = condition(resource, "Ready") or {"reason": "not reconciled yet"}
            return False, ready["reason"]
        message = f"{stalled['reason']}: {stalled['message']}"
        return True, message

    kubectl.wait_for(f"specdep/{WRONG}", check, 60, say)
    if not message.startswith("PairRejected"):
        raise DemoError(f"{WRONG} is Stalled for another reason than its pair: {message}")
    if kubectl.engine_pods(WRONG):
        raise DemoError(f"{WRONG} was refused, and yet it has engine pods")
    return message


def restarts(kubectl: Kubectl) -> dict[str, int]:
    """Container restarts by engine pod."""
    return {
        pod["metadata"]["name"]: sum(
            status["restartCount"] for status in pod["status"].get("containerStatuses", [])
        )
        for pod in kubectl.engine_pods(NAME)
    }


@contextmanager
def endpoint(kubectl: Kubectl) -> Iterator[str]:
    """The Service's address: its cluster IP where this machine reaches it, else a port-forward."""
    service = kubectl.get("service", NAME)["spec"]
    address, port = service["clusterIP"], service["ports"][0]["port"]
    if _reachable(address, port):
        yield f"http://{address}:{port}"
        return
    forward = subprocess.Popen(
        [*kubectl.command(), "port-forward", f"service/{NAME}", f":{port}"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert forward.stdout is not None
        line = forward.stdout.readline()
        if "->" not in line:
            raise DemoError(f"no port-forward to service/{NAME}: {line.strip() or 'it ended'}")
        yield f"http://{line.split()[2]}"
    finally:
        forward.terminate()
        forward.wait(timeout=10)


def _reachable(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False
