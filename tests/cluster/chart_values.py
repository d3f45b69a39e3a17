"""Sets of values that touch every value of the chart, and what they render to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]
Render = Callable[..., str]

CHART = Path(__file__).parents[2] / "charts" / "tandem"
VALUES: Object = yaml.safe_load((CHART / "values.yaml").read_text())
SYSTEM = "chart-values"

MONITORED: Object = {
    "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "interval": "15s"},
    "engines": {"labels": {"release": "prometheus"}, "interval": "15s"},
    "prometheusRule": {
        "enabled": True,
        "labels": {"release": "prometheus"},
        "runbookUrl": "https://docs.example.org/runbooks/",
    },
    "dashboard": {"enabled": True, "annotations": {"grafana_folder": "Inference"}},
}
PEER: Object = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
SETS: dict[str, Object] = {
    "nothing": {},
    "monitored": {"metrics": MONITORED},
    "service monitor": {
        "metrics": {"serviceMonitor": {"enabled": True, "labels": {"a": "b"}, "interval": "1m"}}
    },
    "scoped": {"watchNamespaces": ["one", "two"]},
    "slower rollouts": {"rolloutTimes": {"removeAfter": 1800, "canaryDrafts": 500}},
    "walled": {
        "networkPolicy": {
            "enabled": True,
            "from": [PEER],
            "egress": {
                "enabled": True,
                "extra": [{"to": [PEER], "ports": [{"port": 9090, "protocol": "TCP"}]}],
            },
            "engines": {"enabled": True, "namespaces": ["one", "two"], "from": [PEER]},
        }
    },
    "walled and scoped": {
        "watchNamespaces": ["one"],
        "networkPolicy": {"enabled": True, "engines": {"enabled": True}},
    },
    "behind a proxy": {
        "proxy": {
            "http": "http://proxy.example.org:3128",
            "https": "http://proxy.example.org:3128",
            "noProxy": ".svc,.cluster.local,10.0.0.0/8",
        },
        "caBundle": {"configMap": "corporate-ca", "key": "bundle.pem"},
        "runtimeContainers": {"extraEnv": {"HF_HUB_DOWNLOAD_TIMEOUT": "60"}},
    },
    "another prometheus": {
        "metrics": {
            "prometheus": {
                "url": "https://thanos.example.org:9091",
                "caFile": "/etc/prometheus/ca.crt",
                "bearerTokenFile": "/etc/prometheus-token/token",
                "headers": {"X-Team": "serving"},
                "tenant": "serving",
            }
        },
        "extraVolumes": [{"name": "prometheus-ca", "configMap": {"name": "prometheus-ca"}}],
        "extraVolumeMounts": [{"name": "prometheus-ca", "mountPath": "/etc/prometheus"}],
    },
    "extra": {
        "commonLabels": {"team": "serving"},
        "commonAnnotations": {"contact": "serving@example.org"},
        "podLabels": {"tier": "control"},
        "podAnnotations": {"linkerd.io/inject": "enabled"},
        "extraEnv": [
            {"name": "TZ", "value": "UTC"},
            {
                "name": "NODE",
                "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}},
            },
        ],
        "extraArgs": ["--log-level=debug"],
        "extraObjects": [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "more", "namespace": "{{ .Release.Namespace }}"},
            },
            "apiVersion: v1\nkind: ConfigMap\n"
            "metadata: {name: text, namespace: {{ .Release.Namespace }}}\n",
        ],
    },
    "placed": {
        "replicas": 3,
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}
                ]
            }
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "tandem"}},
            }
        ],
    },
    "by a pipeline": {
        "crds": {"install": False},
        "rbac": {"create": False},
        "serviceAccount": {"create": False, "name": "mine"},
        "podDisruptionBudget": {"enabled": False},
        "podSecurityContext": {"runAsUser": None, "runAsGroup": None},
        "replicas": 1,
        "fullnameOverride": "speculation",
    },
    "mirrored": {
        "image": {"repository": "mirror.example.org/operator", "pullPolicy": "Always"},
        "runtimeImage": {"digest": "sha256:" + "0" * 64},
        "torchImage": {"tag": "0.1.0-cu128"},
        "imagePullSecrets": [{"name": "mirror"}],
        "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}},
        "crds": {"keep": False},
        "acceleratorMemoryGiB": {"nvidia.com/gpu": 80},
        "sources": {"hubEndpoint": "https://hub.example.org"},
        "logging": {"level": "debug", "format": "text"},
    },
}


def rendered(text: str) -> dict[tuple[str, str], Object]:
    """Objects by kind and name."""
    documents = (each for each in yaml.safe_load_all(text) if each)
    return {(each["kind"], each["metadata"]["name"]): each for each in documents}


def operator(text: str, name: str = "tandem") -> Object:
    pod: Object = rendered(text)["Deployment", name]["spec"]["template"]
    return pod


def variables(text: str) -> dict[str, Any]:
    (container,) = operator(text)["spec"]["containers"]
    return {each["name"]: each.get("value") for each in container["env"]}
