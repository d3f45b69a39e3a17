"""Pods: who controls one, and whether it is ready."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Object = dict[str, Any]

OVER = ("Succeeded", "Failed")
ROOT_REFUSED = "runAsNonRoot"
ROOT_REMEDY = (
    "; where the engine's image runs without root, say so in spec.template.spec.securityContext: "
    "runAsNonRoot: true, and runAsUser where the image names no number"
)


def controller(owned: Object) -> Object | None:
    """The owner reference that controls the object, if any."""
    references: list[Object] = owned["metadata"].get("ownerReferences") or []
    return next((each for each in references if each.get("controller")), None)


def controlled_by(owned: Object, uid: str) -> bool:
    """Whether the object with that UID controls `owned`."""
    owner = controller(owned)
    return owner is not None and owner.get("uid") == uid


def is_ready(pod: Object) -> bool:
    """Whether the pod's Ready condition is True."""
    return condition(pod, "Ready", "True") is not None


def is_over(pod: Object) -> bool:
    """Whether the pod has ended for good."""
    return (pod.get("status") or {}).get("phase") in OVER


def staying(owners: Iterable[Object], objects: Iterable[Object]) -> list[Object]:
    """Pods that one of `owners` controls and that are not leaving."""
    uids = {owner["metadata"]["uid"] for owner in owners}
    return [
        pod
        for pod in objects
        if pod.get("kind") == "Pod"
        and not pod["metadata"].get("deletionTimestamp")
        and (controller(pod) or {}).get("uid") in uids
    ]


def with_remedy(refusal: str) -> str:
    """Why no pod is made, and what to do where that is known."""
    return refusal + (ROOT_REMEDY if ROOT_REFUSED in refusal else "")


def condition(raw: Object, kind: str, status: str) -> Object | None:
    """The condition of that type and status, if there is one."""
    conditions: list[Object] = (raw.get("status") or {}).get("conditions") or []
    return next(
        (each for each in conditions if each["type"] == kind and each["status"] == status), None
    )
