"""A template that sets fields of every kind, all of them as Kubernetes has them."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

FULL: Object = {
    "metadata": {"labels": {"team": "chat"}, "annotations": {"note": "7"}},
    "spec": {
        "nodeSelector": {"gpu": "h100"},
        "tolerations": [
            {"key": "gpu", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}
        ],
        "runtimeClassName": "nvidia",
        "terminationGracePeriodSeconds": 60,
        "hostIPC": False,
        "overhead": {"cpu": 1},
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}
                    ],
                }
            }
        },
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
        ],
        "containers": [
            {"name": "main", "resources": {"limits": {"memory": "4Gi", "cpu": 2.5}}},
            {
                "name": "log",
                "image": "log:1",
                "ports": [{"containerPort": 80}],
                "livenessProbe": {"httpGet": {"port": "http", "path": "/"}},
                "readinessProbe": {"tcpSocket": {"port": 80}},
                "env": [
                    {
                        "name": "A",
                        "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": 1}},
                    }
                ],
            },
        ],
        "volumes": [
            {"name": "scratch", "emptyDir": {"sizeLimit": 1000}},
            {
                "name": "token",
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}}
                    ]
                },
            },
        ],
    },
}
