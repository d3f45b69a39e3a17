"""What every kind of workload offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tandem_operator.api import names

Object = dict[str, Any]


@dataclass(frozen=True)
class Rollout:
    """How pods are replaced, as it was accepted with their template."""

    max_unavailable: int | str
    max_surge: int | str
    progress_deadline_s: int
    min_ready_s: int


@dataclass(frozen=True)
class Workers:
    """The pods of a replica beside the one that serves, all of one template."""

    count: int
    template: Object


@dataclass(frozen=True)
class Pods:
    """The pods that a workload shall run: ``template`` is that of the pod that serves.

    ``workers`` None: a replica is that pod alone.
    """

    replicas: int
    selector: dict[str, str]
    template: Object
    rollout: Rollout
    workers: Workers | None = None


@dataclass(frozen=True)
class Watched:
    """A kind that must be seen, and the label by which an object of it says whose it is.

    The label's value is the resource's name with ``suffix`` after it. ``definition`` is the group,
    version and plural of the kind without which none of it can be there; None: it always can.
    """

    group: str
    version: str
    plural: str
    kind: str
    label: str = names.LABEL_DEPLOYMENT
    suffix: str = ""
    definition: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Counts:
    """Replicas as the workload's own status counts them.

    ``observed`` says that the counts are about the workload as it is now. ``refused`` is why no
    pod can be made, ``overdue`` the rollout's missed deadline; None: nothing of the kind.
    ``progress`` is when it last came forward, of a kind that keeps no deadline itself. ``held``
    says what keeps it from replacing pods.
    """

    observed: bool
    wanted: int
    replicas: int
    ready: int
    available: int
    updated: int
    refused: str | None
    overdue: str | None
    progress: datetime | None = None
    held: str | None = None


class WorkloadKind(Protocol):
    """One kind of workload. Objects are found by who controls them, never by a label."""

    @property
    def api_version(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def watched(self) -> tuple[Watched, ...]:
        """It, and what stands between it and its pods."""
        ...

    @property
    def remedy(self) -> str:
        """What else to try where the API server refuses its body; empty: its words say it."""
        ...

    def name(self, resource: str) -> str:
        """The name of a resource's workload of this kind."""
        ...

    def body(self, metadata: Object, pods: Pods) -> Object:
        """The object."""
        ...

    def template(self, workload: Object) -> Object:
        """The template of the pod that serves."""
        ...

    def read(self, workload: Object, objects: Sequence[Object]) -> Counts:
        """How it stands; ``objects`` are those of its namespace."""
        ...

    def pods(self, workload: Object, objects: Sequence[Object]) -> list[Object]:
        """Its pods that serve, neither over nor leaving: one for each replica."""
        ...

    def members(self, workload: Object, objects: Sequence[Object]) -> list[Object]:
        """All its pods that are neither over nor leaving."""
        ...

    def makers(self, workload: Object, objects: Sequence[Object]) -> list[Object]:
        """What lacks a pod and says why in its Events alone."""
        ...

    def failed(self, workload: Object, objects: Sequence[Object]) -> list[Object]:
        """Pods that failed as a whole and that it still replaces."""
        ...
