"""Annotates pods, so that their kubelets bring a new table to them at once."""

from __future__ import annotations

from tandem_operator.cluster.store import Key, Store
from tandem_operator.planning import PodAnnotation
from tandem_operator.planning.children.pod_annotations import ANNOTATION_GENERATION
from tandem_operator.reconcile.requests.client import Client


class PodAnnotations:
    """Each pod once for each generation: its kubelet was woken, whoever takes the word away."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._store = store
        self._written: dict[Key, dict[str, int]] = {}

    async def write(self, key: Key, annotation: PodAnnotation) -> None:
        """Raises RetryError, RefusedError or NotLeadingError."""
        if self._written.get(key, {}).get(annotation.uid) == annotation.generation:
            return
        annotations = {ANNOTATION_GENERATION: str(annotation.generation)}
        answer = await self._client.annotate_pod(
            key[0], annotation.pod, annotation.uid, annotations
        )
        written = self._written.get(key, {})
        alike = [uid for uid in written if written[uid] == annotation.generation]
        self._written[key] = dict.fromkeys((*alike, annotation.uid), annotation.generation)
        if answer is not None:
            self._store.put({"apiVersion": "v1", "kind": "Pod", **answer}, key)

    def forget(self, key: Key) -> None:
        self._written.pop(key, None)
