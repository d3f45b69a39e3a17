"""What every kind of workload offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Object = dict[str, Any]


@dataclass(frozen=True)
class Rollout:
    """How pods are replaced, as it was accepted with their template."""

    max_unavailable: int | str
    max_surge: int | str
    progress_deadline_s: int
    min_ready_s: int


@dataclass(frozen=True)
class Pods:
    """The pods that a workload shall run: ``template`` is that of the pod that serves."""

    replicas: int
    selector: dict[str, str]
    template: Object
    rollout: Rollout


@dataclass(frozen=True)
class Counts:
    """Replicas as the workload's own status counts them.

    ``observed`` says that the counts are about the workload as it is now. ``refused`` is why no
    pod can be made, ``overdue`` the rollout's missed deadline; None: nothing of the kind.
    """

    observed: bool
    wanted: int
    replicas: int
    ready: int
    available: int
    updated: int
    refused: str | None
    overdue: str | None


class WorkloadKind(Protocol):
    """One kind of workload. Objects are found by who controls them, never by a label."""

    @property
    def api_version(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def watched(self) -> tuple[tuple[str, str, str, str], ...]:
        """Group, version, plural and kind of it, and of what stands between it and its pods."""
        ...

    def name(self, resource: str) -> str:
        """The name of a resource's workload of this kind."""
        ...

    def body(self, metadata: Object, pods: Pods) -> Object:
        """The object."""
        ...

    def template(self, held: Object) -> Object:
        """The template of the pod that serves."""
        ...

    def read(self, held: Object, objects: Sequence[Object]) -> Counts:
        """How it stands; ``objects`` are those of its namespace."""
        ...

    def pods(self, held: Object, objects: Sequence[Object]) -> list[Object]:
        """Its pods that are neither over nor leaving."""
        ...

    def failed(self, held: Object, objects: Sequence[Object]) -> list[Object]:
        """Pods that failed as a whole and that it still replaces."""
        ...
