"""Admission webhooks that are of no help: down, or slower than anybody waits."""

from __future__ import annotations

import json
import socket
from types import TracebackType

from hack.cluster.cluster import Cluster

LABEL = "webhook"


class BadWebhook:
    """A mutating webhook for namespaces with the label `webhook: <name>`, while the block lasts.

    Nobody listens at its address; with `silent` somebody does and never says a word, so that each
    write takes the webhook's whole timeout (seconds) and fails then.
    """

    def __init__(
        self, cluster: Cluster, name: str, group: str, resource: str, silent: int | None = None
    ) -> None:
        self._cluster = cluster
        self._name = name
        self._socket = socket.create_server(("127.0.0.1", 0))
        port = self._socket.getsockname()[1]
        if silent is None:
            self._socket.close()
        self._body = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [
                {
                    "name": f"{name}.test.example",
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "timeoutSeconds": silent or 5,
                    "clientConfig": {"url": f"https://127.0.0.1:{port}/"},
                    "namespaceSelector": {"matchLabels": {LABEL: name}},
                    "rules": [
                        {
                            "apiGroups": [group],
                            "apiVersions": ["v1"],
                            "resources": [resource],
                            "operations": ["CREATE", "UPDATE"],
                        }
                    ],
                }
            ],
        }

    def __enter__(self) -> BadWebhook:
        self._cluster.apply(json.dumps(self._body))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()
        self._socket.close()

    def remove(self) -> None:
        words = ("delete", "mutatingwebhookconfiguration", self._name, "--ignore-not-found")
        self._cluster.run(*words)
