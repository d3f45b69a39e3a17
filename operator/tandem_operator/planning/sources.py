"""Sources that the kubelet mounts: claims of the namespace, into the lock Job and engine pods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tandem_operator.api import uri
from tandem_operator.api.spec import ModelSource, Spec
from tandem_operator.api.uri import Scheme

Object = dict[str, Any]

TARGET = "target"
DRAFT = "draft"


@dataclass(frozen=True)
class Mounted:
    """Volumes, and where one container mounts them; `path` is by side."""

    volumes: list[Object]
    mounts: list[Object]
    paths: dict[str, str]


def sides(spec: Spec) -> dict[str, ModelSource]:
    """The sources by side; the draft only where the method has one."""
    held: dict[str, ModelSource] = {TARGET: spec.target}
    if spec.draft is not None:
        held[DRAFT] = spec.draft
    return held


def mounted(spec: Spec, folders: dict[str, str]) -> Mounted:
    """Every source that the kubelet mounts, read-only, at the folder of its side.

    A claim that holds both sides is one volume.
    """
    volumes: dict[str, Object] = {}
    mounts: list[Object] = []
    paths: dict[str, str] = {}
    for side, source in sides(spec).items():
        parts = uri.parse(source.uri)
        if parts.scheme is Scheme.PVC:
            body = {"persistentVolumeClaim": {"claimName": parts.authority, "readOnly": True}}
        elif parts.scheme is Scheme.OCI:
            body = {"image": {"reference": parts.authority}}
        else:
            continue
        name = next((held for held, entry in volumes.items() if entry == body), None)
        if name is None:
            name = f"tandem-{side}"
            volumes[name] = body
        mount = {"name": name, "mountPath": folders[side], "readOnly": True}
        if parts.path:
            mount["subPath"] = parts.path
        mounts.append(mount)
        paths[side] = folders[side]
    return Mounted([{"name": name, **body} for name, body in volumes.items()], mounts, paths)
