"""What stands between a write and etcd in clusters as people run them: webhooks and policies."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from hack.cluster.cluster import Cluster
from hack.cluster.control_plane import credentials

Object = dict[str, Any]
LABEL = "admission"


class Webhook:
    """A mutating webhook on loopback: `change` gets the object and changes it in place."""

    def __init__(self, cluster: Cluster, folder: Path, change: Callable[[Object], None]) -> None:
        self._cluster = cluster
        self._names: list[str] = []
        credentials.make(folder, ("127.0.0.1",), ())
        self._authority = base64.b64encode((folder / "ca.crt").read_bytes()).decode()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "apiserver.crt", folder / "apiserver.key")
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(change))
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def install(self, name: str, group: str, resource: str, *operations: str) -> None:
        """For namespaces with the label `admission: <name>`."""
        address = f"https://127.0.0.1:{self._http.server_address[1]}/"
        hook = {
            "name": f"{name}.test.example",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "reinvocationPolicy": "IfNeeded",
            "clientConfig": {"url": address, "caBundle": self._authority},
            "namespaceSelector": {"matchLabels": {LABEL: name}},
            "rules": [
                {
                    "apiGroups": [group],
                    "apiVersions": ["v1"],
                    "resources": [resource],
                    "operations": list(operations or ("CREATE", "UPDATE")),
                }
            ],
        }
        body = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [hook],
        }
        self._cluster.apply(json.dumps(body))
        self._names.append(name)

    def end(self) -> None:
        for name in self._names:
            self._cluster.run("delete", "mutatingwebhookconfiguration", name)
        self._http.shutdown()
        self._http.server_close()


def _handler(change: Callable[[Object], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            before = review["request"]["object"]
            after = json.loads(json.dumps(before))
            change(after)
            response: Object = {"uid": review["request"]["uid"], "allowed": True}
            changed = [key for key in after if after[key] != before.get(key)]
            if changed:
                patch = [
                    {"op": "replace", "path": f"/{key}", "value": after[key]} for key in changed
                ]
                response["patchType"] = "JSONPatch"
                response["patch"] = base64.b64encode(json.dumps(patch).encode()).decode()
            answer = json.dumps(
                {
                    "apiVersion": "admission.k8s.io/v1",
                    "kind": "AdmissionReview",
                    "response": response,
                }
            ).encode()
            with contextlib.suppress(OSError):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

    return Handler


def demand(cluster: Cluster, name: str, group: str, resource: str, expression: str) -> None:
    """A policy for new objects in namespaces with the label `admission: <name>`."""
    place = f"{name}-{resource}"
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": place},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [group],
                        "apiVersions": ["*"],
                        "operations": ["CREATE"],
                        "resources": [resource],
                    }
                ]
            },
            "validations": [{"expression": expression, "message": f"{name} is demanded"}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": place},
        "spec": {
            "policyName": place,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {LABEL: name}}},
        },
    }
    cluster.apply("\n---\n".join(map(json.dumps, (policy, binding))))
