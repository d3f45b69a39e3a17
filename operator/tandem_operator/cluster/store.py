"""What the API server last said, by resource: the only thing that a reconciliation reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tandem_operator.api import names
from tandem_operator.cluster.kinds import CHILDREN
from tandem_operator.cluster.own_writes import OwnWrites
from tandem_operator.cluster.packed import Packed, Packer, version_of
from tandem_operator.planning import managed_fields

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name of a resource."""
Identity = tuple[str, str]
"""Kind and name within the namespace."""
Place = tuple[Key, Identity]

LABELS = {kind.kind: (kind.label, kind.suffix) for kind in CHILDREN}
MOST_ENDS = 10_000
"""Ends that are remembered: more than can pass while one answer is on its way."""


class Store:
    """Resources and their objects. Answers to our own writes go in as watch events do.

    An older version of an object never replaces a newer one of the same UID: the answer to a write
    comes before the event that it caused, and events before that are still on their way. Nor does
    it come back after the object's end: no event would ever take it away again. But a list tells
    of everything up to its own version (`listed`): an older version in it is a cluster that was
    restored from a backup.
    """

    def __init__(self) -> None:
        self._resources: dict[Key, Packed] = {}
        self._children: dict[Key, dict[Identity, Packed]] = {}
        self._ends: dict[str, int] = {}
        self._pairs: dict[str, dict[str, dict[Place, Packed]]] = {}
        self._packer = Packer()
        self.own_writes = OwnWrites()

    def put_resource(self, raw: Object, listed: int | None = None) -> Key:
        """Take a resource as it is now; returns its key."""
        key = (raw["metadata"]["namespace"], raw["metadata"]["name"])
        if not self._older(raw, self._resources.get(key), listed):
            self._resources[key] = self._packer.pack(raw, labelled=True)
        return key

    def drop_resource(self, raw: Object) -> Key:
        """Forget a resource that is gone; a newer one of the name stays.

        Its objects go by events of their own, since they may outlive it and be found again by a
        resource of the same name. Those that no watch brings go with it.
        """
        key = (raw["metadata"]["namespace"], raw["metadata"]["name"])
        self._end(raw)
        stored = self._resources.get(key)
        if stored is not None and stored.uid == raw["metadata"]["uid"]:
            del self._resources[key]
            for identity, child in tuple(self._children.get(key, {}).items()):
                if not child.labelled:
                    self._remove(key, identity)
        return key

    def put(self, raw: Object, key: Key | None = None, listed: int | None = None) -> Key | None:
        """Take an object as it is now; returns the key of the resource that it is about.

        The label says which, unless `key` does (an object of a child's name without our label).
        """
        owner = key or key_of(raw)
        if owner is None:
            return None
        identity = (raw["kind"], raw["metadata"]["name"])
        if not self._older(raw, self._children.get(owner, {}).get(identity), listed):
            self._remove(owner, identity)
            self._children.setdefault(owner, {})[identity] = self._packer.pack(
                _trimmed(raw), labelled=key_of(raw) is not None
            )
            self._list_pair(owner, identity)
        return owner

    def drop(self, raw: Object, key: Key | None = None) -> Key | None:
        """Forget an object that is gone; a newer one of the same name stays."""
        owner = key or key_of(raw)
        if owner is None:
            return None
        self._end(raw)
        identity = (raw["kind"], raw["metadata"]["name"])
        previous = self._children.get(owner, {}).get(identity)
        if previous is not None and previous.uid == raw["metadata"]["uid"]:
            self._remove(owner, identity)
        return owner

    def forget(self, key: Key, kind: str, name: str) -> None:
        """Forget an object that the API server says is absent."""
        self._remove(key, (kind, name))

    def replace(self, kind: str, raws: Iterable[Object]) -> set[Key]:
        """Take a whole listing of a kind that nobody watches; returns the keys that it changed."""
        changed: set[Key] = set()
        listed: set[tuple[Key, str]] = set()
        for raw in raws:
            key = key_of(raw)
            if key is None:
                continue
            name = raw["metadata"]["name"]
            listed.add((key, name))
            before = self.object(key, kind, name)
            self.put(raw, key)
            if before is None or before["metadata"] != _trimmed(raw)["metadata"]:
                changed.add(key)
        for key, stored in tuple(self._children.items()):
            for identity in [each for each in stored if each[0] == kind]:
                if (key, identity[1]) not in listed:
                    self._remove(key, identity)
                    changed.add(key)
        return changed

    def watched(self, kind: str, namespace: str | None = None) -> Iterator[Object]:
        """Every object of a kind that a watch brings, of one namespace or (None) of all: those of a
        child's name without our label are known by reading them alone. As they are now."""
        return (packed.object() for packed in self._watched(kind, namespace))

    def watched_uids(self, kind: str, namespace: str | None = None) -> frozenset[str]:
        """The UIDs of `watched`."""
        return frozenset(packed.uid for packed in self._watched(kind, namespace))

    def holds(self, raw: Object) -> bool:
        """Whether this very version of a watched object is known."""
        metadata = raw["metadata"]
        if raw["kind"] == names.KIND:
            stored = self._resources.get((metadata["namespace"], metadata["name"]))
        else:
            key = key_of(raw)
            siblings = {} if key is None else self._children.get(key, {})
            stored = siblings.get((raw["kind"], metadata["name"]))
        return stored is not None and (stored.uid, stored.version) == (
            metadata["uid"],
            version_of(raw),
        )

    def _watched(self, kind: str, namespace: str | None) -> Iterator[Packed]:
        if kind == names.KIND:
            by_key = self._resources.items()
            return (packed for key, packed in tuple(by_key) if namespace in (None, key[0]))
        return (
            packed
            for key, siblings in tuple(self._children.items())
            if namespace in (None, key[0])
            for (each, _), packed in tuple(siblings.items())
            if each == kind and packed.labelled
        )

    def resource(self, key: Key) -> Object | None:
        stored = self._resources.get(key)
        return None if stored is None else stored.object()

    def object(self, key: Key, kind: str, name: str) -> Object | None:
        """One object of a resource, as last seen."""
        previous = self._children.get(key, {}).get((kind, name))
        return None if previous is None else previous.object()

    def objects(self, key: Key, kind: str | None = None) -> tuple[Object, ...]:
        """Everything known about a resource, or all of one kind, in a stable order."""
        stored = self._children.get(key, {})
        return tuple(
            stored[identity].object() for identity in sorted(stored) if kind in (None, identity[0])
        )

    def tuners(self, namespace: str) -> Iterator[Object]:
        """`<name>-tuner` of every resource of the namespace, by name, each parsed when it is read:
        a reader stops at the first that it can use, and has mostly one of its own."""
        for key in sorted(key for key in self._children if key[0] == namespace):
            stored = self._children.get(key, {}).get(("ConfigMap", names.tuner(key[1])))
            if stored is not None:
                yield stored.object()

    def pairs(self, namespace: str) -> Mapping[str, Mapping[Place, Object]]:
        """Objects of the namespace that carry the label of a pair, by that label: as they are now,
        for a reader that does not keep it. No other namespace's are ever in it."""
        return _Pairs(self._pairs.get(namespace, {}))

    def known(self) -> tuple[Key, ...]:
        """The keys of all resources."""
        return tuple(self._resources)

    def _remove(self, key: Key, identity: Identity) -> None:
        siblings = self._children.get(key, {})
        gone = siblings.pop(identity, None)
        if not siblings:
            self._children.pop(key, None)
        if gone is None or gone.pair is None:
            return
        pairs = self._pairs[key[0]]
        del pairs[gone.pair][key, identity]
        if not pairs[gone.pair]:
            del pairs[gone.pair]

    def _list_pair(self, key: Key, identity: Identity) -> None:
        stored = self._children[key][identity]
        if stored.pair is not None:
            alike = self._pairs.setdefault(key[0], {}).setdefault(stored.pair, {})
            alike[key, identity] = stored

    def _end(self, raw: Object) -> None:
        """Remember the version at which an object left the watch."""
        uid = raw["metadata"]["uid"]
        self._ends.pop(uid, None)
        self._ends[uid] = version_of(raw)
        if len(self._ends) > MOST_ENDS:
            del self._ends[next(iter(self._ends))]

    def _older(self, raw: Object, stored: Packed | None, listed: int | None) -> bool:
        uid = raw["metadata"]["uid"]
        known = self._ends.get(uid, 0)
        if stored is not None and stored.uid == uid:
            known = max(known, stored.version)
        return version_of(raw) < known and (listed is None or known > listed)


class _Opened(Mapping[Place, Object]):
    """Packed objects, each parsed when it is read: a reader often stops at the first."""

    def __init__(self, packed: Mapping[Place, Packed]) -> None:
        self._packed = packed

    def __getitem__(self, place: Place) -> Object:
        return self._packed[place].object()

    def __iter__(self) -> Iterator[Place]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


class _Pairs(Mapping[str, Mapping[Place, Object]]):
    def __init__(self, packed: Mapping[str, Mapping[Place, Packed]]) -> None:
        self._packed = packed

    def __getitem__(self, pair: str) -> Mapping[Place, Object]:
        return _Opened(self._packed[pair])

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


def key_of(raw: Object) -> Key | None:
    """The resource that an object's label names; None without the label."""
    label, suffix = LABELS.get(raw["kind"], (names.LABEL_DEPLOYMENT, ""))
    owner: str = (raw["metadata"].get("labels") or {}).get(label) or ""
    name = owner.removesuffix(suffix) if owner.endswith(suffix) else ""
    return (raw["metadata"]["namespace"], name) if name else None


def _trimmed(raw: Object) -> Object:
    """Of managedFields, which are most of a child's bytes, the operator's own entry alone."""
    metadata = {key: value for key, value in raw["metadata"].items() if key != "managedFields"}
    own = managed_fields.kept(raw)
    if own:
        metadata["managedFields"] = own
    return {**raw, "metadata": metadata}
