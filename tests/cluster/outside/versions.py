"""Every version of a resource, as a tool that waits for it sees them."""

from __future__ import annotations

import json
import ssl
import threading
from typing import Any

import httpx

from hack.cluster.cluster import Cluster
from tests.unit.planning import kstatus

Object = dict[str, Any]


class Versions:
    """Follows one resource from now on; `stop` ends it and returns what was seen, oldest first."""

    def __init__(self, cluster: Cluster, namespace: str, since: str) -> None:
        self._seen: list[Object] = []
        self._client = httpx.Client(
            base_url=cluster.url,
            verify=ssl.create_default_context(cafile=cluster.authority),
            headers={"Authorization": f"Bearer {cluster.token}"},
            timeout=None,
        )
        path = f"/apis/tandem.dev/v1alpha1/namespaces/{namespace}/speculativedeployments"
        self._query = {"watch": "true", "resourceVersion": since}
        self._path = path
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            with self._client.stream("GET", self._path, params=self._query) as answer:
                for line in answer.iter_lines():
                    if line:
                        self._seen.append(json.loads(line)["object"])
        except httpx.HTTPError:
            return

    def now(self) -> list[Object]:
        """What was seen until now."""
        return list(self._seen)

    def current(self) -> list[str]:
        """The versions that kstatus reads as Current."""
        seen = [each for each in self._seen if kstatus.current(each)]
        return [str(each["metadata"]["resourceVersion"]) for each in seen]

    def stop(self) -> None:
        self._client.close()
