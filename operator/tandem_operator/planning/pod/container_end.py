"""How a container ended, and why a kubelet refused a pod: in the cluster's own words."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]

LONGEST_WORDS = 400
STARTING = (None, "ContainerCreating", "PodInitializing")
"""Reasons of a container that waits for nothing special."""
OUT_OF_MEMORY = "OOMKilled"
FIRST_SIGNAL = 128
"""A process that a signal ended has this much more than its number as exit code."""

REMEDIES = (
    (
        r"CUDA driver version is insufficient|unsatisfied condition: cuda|driver on your system is "
        r"too old|unsupported toolchain|forward compatibility was attempted",
        "the image needs a newer driver than the node has: update the driver, or take an image "
        "that was built for an older CUDA",
    ),
    (
        r"[Dd]river/library version mismatch",
        "the node's driver was changed under running software: restart the node",
    ),
    (
        r"no kernel image is available",
        "the image was not built for this device: take another image or another node",
    ),
    (
        r"no CUDA-capable device|No CUDA GPUs are available|Found no NVIDIA driver|libcuda\.so|"
        r"could not select device driver",
        "the container sees no device: see the node's driver and device plugin, "
        "spec.accelerator and runtimeClassName",
    ),
    (
        r"system not yet initialized",
        "the node's devices are not up: see its fabric manager and its driver",
    ),
    (
        r"CUDA out of memory|OutOfMemoryError|No available memory for the cache blocks|"
        r"Free memory on device",
        "the device's memory is too small for this pair: take more devices, a smaller "
        "--max-model-len, or a smaller draft",
    ),
)
"""What of an engine's last words names a fault of the ground it runs on, and what helps."""

_ERROR = re.compile(r"\w*(error|exception)\b|\b(fatal|panic|refused)\b", re.IGNORECASE)
_POINTS_AWAY = "See root cause above"


def statuses(pod: Object) -> tuple[Object, ...]:
    """What the kubelet says of each container, the init containers first."""
    status = pod.get("status", {})
    return (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    )


def last(container: Object) -> Object | None:
    """The container's newest end: it is over, or it was started again."""
    for state in ("state", "lastState"):
        ended = (container.get(state) or {}).get("terminated")
        if ended is not None:
            return dict(ended)
    return None


def describe(ended: Object) -> str:
    """Reason and exit code, and what the container said last."""
    words = telling_line(str(ended.get("message") or ""))
    return how(ended) + (f": {words}" if words else "")


def how(ended: Object) -> str:
    """Reason and exit code: `OOMKilled (exit code 137)`."""
    code = ended.get("exitCode", 0)
    reason = ended.get("reason") or "Ended"
    sent = ended.get("signal") or code - FIRST_SIGNAL
    by = ""
    if reason != OUT_OF_MEMORY and sent in set(signal.Signals):
        by = f", {signal.Signals(sent).name}"
    if reason == OUT_OF_MEMORY:
        by = "; its memory limit, or the node's memory, was used up"
    return f"{reason} (exit code {code}{by})"


def telling_line(message: str) -> str:
    """The line of a container's last words that tells most, with what helps where that is known.

    An engine's last lines are mostly the way back from an error; the error stands above them.
    """
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    for pattern, remedy in REMEDIES:
        for line in lines:
            match = re.search(pattern, line)
            if match is not None:
                return f"{_around(line, match.start())} ({remedy})"
    telling = [line for line in lines if _ERROR.search(line) and _POINTS_AWAY not in line]
    return _around((telling or lines or [""])[-1], 0)


def refused(pod: Object) -> str | None:
    """Why a pod failed as a whole: the kubelet refused it, or it was evicted. None: it did not."""
    status = pod.get("status", {})
    if status.get("phase") != "Failed":
        return None
    taken = taken_away(pod)
    reason = status.get("reason")
    if reason is None and taken is None:
        return None
    message = str(status.get("message") or "")
    parts = [part for part in (reason or "", taken or "", message) if part]
    return ": ".join(dict.fromkeys(parts))


def taken_away(pod: Object) -> str | None:
    """Who took the pod from its node (eviction, preemption, a lost node); None: nobody did."""
    for condition in pod.get("status", {}).get("conditions") or ():
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
            message = condition.get("message") or ""
            by = f"taken away by {condition.get('reason', 'the cluster')}"
            return by + (f" ({message})" if message else "")
    return None


def waiting(pod: Object) -> Iterator[Object]:
    """Containers that wait for something worth telling."""
    for container in statuses(pod):
        state = (container.get("state") or {}).get("waiting")
        if state is not None and state.get("reason") not in STARTING:
            yield container


def _around(line: str, at: int) -> str:
    begin = max(0, min(at - LONGEST_WORDS // 4, len(line) - LONGEST_WORDS))
    return line[begin : begin + LONGEST_WORDS]
