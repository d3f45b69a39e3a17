"""What shall be done about one resource, in the order in which `reconcile` does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Object = dict[str, Any]


@dataclass(frozen=True)
class Reference:
    """An object by kind and name, in the resource's namespace."""

    api_version: str
    kind: str
    name: str


@dataclass(frozen=True)
class Apply:
    """One server-side apply of the whole object, as field manager `tandem`.

    ``uid`` is that of the object that shall be changed; None: the name is free as far as the
    snapshot knows, so the writer reads it live first. ``resource_version`` is set where a change by
    anybody else in between must fail the write (the speculation table). ``needs`` is another of the
    plan's writes without which this one is not sent.
    """

    body: Object
    uid: str | None = None
    resource_version: str | None = None
    needs: Reference | None = None

    @property
    def reference(self) -> Reference:
        return Reference(self.body["apiVersion"], self.body["kind"], self.body["metadata"]["name"])


@dataclass(frozen=True)
class Remove:
    """One delete with the precondition that the object still has this UID."""

    reference: Reference
    uid: str


@dataclass(frozen=True)
class PodAnnotation:
    """An annotation on a pod whose only purpose is that its kubelet refreshes the table at once."""

    pod: str
    uid: str
    generation: int


@dataclass(frozen=True)
class Asked:
    """An object whose Events would say why it waits; nothing else does."""

    reference: Reference
    uid: str


@dataclass(frozen=True)
class EventRecord:
    """A Kubernetes Event about the resource; only transitions make one."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True)
class Sharing:
    """One Job inspects a pair for every resource of the namespace that asks for it.

    ``pair`` names the pair (see `lock_cache.pair`), ``by`` the resource whose Job inspects it.
    """

    pair: str
    by: str


@dataclass(frozen=True)
class Plan:
    """Everything to do, and when to reconcile again.

    Order of the writes: ``applies``, ``removes``, ``pokes``, ``status``, ``notes``. ``status`` is
    the whole of the resource's status in its JSON form, or None when what stands is right.
    ``look_up`` names objects that nobody watches and that the next reconciliation needs (a foreign
    object of a child's name). ``requeue_after_s``: seconds until the next reconciliation, if no
    event comes before; None: an event is enough. ``ask`` are the objects whose Events the next
    reconciliations need. ``sharing`` is set while the resource's own Job of a shared pair runs or
    is made, and while another's is waited for: the end of that Job is the others' event.
    """

    applies: tuple[Apply, ...] = ()
    removes: tuple[Remove, ...] = ()
    pod_annotations: tuple[PodAnnotation, ...] = ()
    status: Object | None = None
    event_records: tuple[EventRecord, ...] = ()
    look_up: tuple[Reference, ...] = ()
    requeue_after_s: float | None = None
    sharing: Sharing | None = None
    ask: tuple[Asked, ...] = ()

    @property
    def writes_nothing(self) -> bool:
        return not (
            self.applies or self.removes or self.pod_annotations or self.event_records
        ) and (self.status is None)
