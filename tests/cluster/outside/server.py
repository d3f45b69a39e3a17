"""The API server as a bystander sees it: objects as JSON, and who wrote what."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import httpx

from hack.cluster.cluster import Cluster
from hack.cluster.control_plane.audit import Write
from tests.cluster.outside.rights import USER

Object = dict[str, Any]

PATHS: Mapping[str, str] = {
    "specdep": "apis/tandem.dev/v1alpha1/namespaces/{}/speculativedeployments",
    "deployments": "apis/apps/v1/namespaces/{}/deployments",
    "replicasets": "apis/apps/v1/namespaces/{}/replicasets",
    "leaderworkersets": "apis/leaderworkerset.x-k8s.io/v1/namespaces/{}/leaderworkersets",
    "controllerrevisions": "apis/apps/v1/namespaces/{}/controllerrevisions",
    "jobs": "apis/batch/v1/namespaces/{}/jobs",
    "poddisruptionbudgets": "apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "services": "api/v1/namespaces/{}/services",
    "configmaps": "api/v1/namespaces/{}/configmaps",
    "pods": "api/v1/namespaces/{}/pods",
    "resourcequotas": "api/v1/namespaces/{}/resourcequotas",
    "podmonitors": "apis/monitoring.coreos.com/v1/namespaces/{}/podmonitors",
    "leases": "apis/coordination.k8s.io/v1/namespaces/{}/leases",
    "events": "apis/events.k8s.io/v1/namespaces/{}/events",
}
CHILDREN = (
    "deployments",
    "controllerrevisions",
    "jobs",
    "services",
    "configmaps",
    "poddisruptionbudgets",
)
LABEL = "tandem.dev/deployment"


class Server:
    """The API server, asked as its administrator."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._http = httpx.Client(
            base_url=cluster.url,
            verify=ssl.create_default_context(cafile=cluster.authority),
            headers={"Authorization": f"Bearer {cluster.token}"},
            timeout=20,
        )

    def close(self) -> None:
        self._http.close()

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """The object, or None when it does not exist."""
        answer = self._http.get(f"/{PATHS[kind].format(namespace)}/{name}")
        return None if answer.status_code == 404 else _read(answer)

    def all_of(self, kind: str, namespace: str, label: str | None = LABEL) -> list[Object]:
        """Objects of a kind that carry the label, oldest first.

        A kind whose definition is new answers 429 for some seconds: then there is none yet.
        """
        query = {} if label is None else {"labelSelector": label}
        answer = self._http.get(f"/{PATHS[kind].format(namespace)}", params=query)
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return []
        items: list[Object] = _read(answer)["items"]
        return sorted(items, key=lambda raw: str(raw["metadata"]["creationTimestamp"]))

    def create(self, kind: str, namespace: str, body: Object) -> Object:
        return _read(self._http.post(f"/{PATHS[kind].format(namespace)}", json=body))

    def patch(self, kind: str, namespace: str, name: str, change: Object) -> Object:
        """A merge patch; `name` may end in a subresource (`chat/scale`)."""
        answer = self._http.patch(
            f"/{PATHS[kind].format(namespace)}/{name}",
            json=change,
            headers={"Content-Type": "application/merge-patch+json"},
        )
        return _read(answer)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        _read(self._http.delete(f"/{PATHS[kind].format(namespace)}/{name}"))

    def writes(self) -> list[Write]:
        """Every write of any operator so far but those of Leases, oldest first."""
        return [write for write in self._cluster.writes(USER) if write.resource != "leases"]


class NotFoundError(AssertionError):
    """The object is not there, or no longer."""


def _read(answer: httpx.Response) -> Object:
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise NotFoundError(answer.text)
    assert answer.is_success, answer.text
    document: Object = answer.json()
    return document
