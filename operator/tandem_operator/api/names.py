"""Names, labels and hashes of the resource and its children.

Whoever makes, finds or deletes an object asks here for its name, so that two rooms never spell
one differently. Names of resources are at most 40 characters, which keeps every child's name
within 63.
"""

import hashlib
import json
from typing import Any

import orjson
from pydantic import BaseModel

from tandem_operator.api.fields import Change
from tandem_operator.api.spec import Spec

GROUP = "tandem.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "SpeculativeDeployment"
PLURAL = "speculativedeployments"
SINGULAR = "speculativedeployment"
SHORT_NAME = "specdep"
CATEGORY = "tandem"
CRD_NAME = f"{PLURAL}.{GROUP}"
FIELD_MANAGER = "tandem"

LABEL_DEPLOYMENT = f"{GROUP}/deployment"
LABEL_ROLE = f"{GROUP}/role"
LABEL_LOCK = f"{GROUP}/lock"
LABEL_PAIR = f"{GROUP}/pair"
LABEL_CANARY = f"{GROUP}/canary"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY = "tandem"
ROLE_ENGINE = "engine"
ROLE_WORKER = "worker"
ROLE_LOCK = "lock"
ROLE_CONFIG = "config"
ANNOTATION_LOCK_SCHEDULING = f"{GROUP}/lock-scheduling"
ANNOTATION_REFRESH = f"{GROUP}/refresh"
ANNOTATION_METRICS_PORT = f"{GROUP}/metrics-port"
ANNOTATION_METRICS_PATH = f"{GROUP}/metrics-path"
ANNOTATION_ARGUMENTS = f"{GROUP}/arguments"
"""On pods whose K came by a rollout: the arguments that they would have with the K of the spec."""
"""Where a pod shows its metrics, where it is not at its port `http` under `/metrics`."""
ANNOTATION_APPLIED = f"{GROUP}/applied"
"""Digest of what was last applied, on each child."""

GROUP_SUFFIX = "-group"
MAX_NAME_LENGTH = 40
HASH_LENGTH = 16
SHORT_HASH_LENGTH = 8

RESERVED_NAME_PREFIX = "tandem-"


def engine_labels(name: str) -> dict[str, str]:
    """The selector of everything that selects engine pods: exactly these two labels."""
    return {LABEL_DEPLOYMENT: name, LABEL_ROLE: ROLE_ENGINE}


def worker_labels(name: str) -> dict[str, str]:
    """Labels of the pods of a replica that serve nothing: nothing that serves selects them."""
    return {LABEL_DEPLOYMENT: name, LABEL_ROLE: ROLE_WORKER}


def lock_labels(name: str) -> dict[str, str]:
    """Labels of lock Jobs and their pods."""
    return {LABEL_DEPLOYMENT: name, LABEL_ROLE: ROLE_LOCK}


def selector(name: str) -> str:
    """`engine_labels` as text, for `status.selector`."""
    return ",".join(f"{key}={value}" for key, value in sorted(engine_labels(name).items()))


def deployment(name: str) -> str:
    """The workload."""
    return name


def group(name: str) -> str:
    """The workload of replicas of several pods."""
    return f"{name}{GROUP_SUFFIX}"


def service(name: str) -> str:
    """The OpenAI API."""
    return name


def canary(name: str, lock_hash: str) -> str:
    """The workload of one pod that tries the draft before the others load it again."""
    return f"{name}-canary-{lock_hash[:SHORT_HASH_LENGTH]}"


def disruption_budget(name: str) -> str:
    """The PodDisruptionBudget."""
    return name


def worker_budget(name: str) -> str:
    """The PodDisruptionBudget of the workers of replicas of several pods."""
    return f"{name}-workers"


def pod_monitor(name: str) -> str:
    """The PodMonitor."""
    return name


def tuner(name: str) -> str:
    """ConfigMap of the tuner's learned state and records."""
    return f"{name}-tuner"


def profile(name: str) -> str:
    """ConfigMap of a start profile, made by whoever measured one."""
    return f"{name}-profile"


def lock_job(name: str, input_hash: str) -> str:
    """The Job that inspects one pair."""
    return f"{name}-lock-{input_hash}"


def controller_revision(name: str, input_hash: str) -> str:
    """The ControllerRevision of one locked and rendered input."""
    return f"{name}-{input_hash}"


def speculation_table(name: str, lock_hash: str) -> str:
    """ConfigMap of the table that the pods of one lock mount."""
    return f"{name}-speculation-{lock_hash[:SHORT_HASH_LENGTH]}"


def engine_config(name: str, use: str, content: Any) -> str:
    """ConfigMap of files that an engine reads; other content has another name."""
    return f"{name}-{use}-{digest(content)[:SHORT_HASH_LENGTH]}"


def input_hash(spec: Spec, refresh: str | None = None) -> str:
    """16 hex digits over the pod-shaping fields and the value of the refresh annotation.

    Live fields and fields that hold their constant default do not count: a release that adds a
    field with a default leaves the hash of every stored object as it is.
    """
    shaping: dict[str, Any] = pod_shaping(spec)
    if refresh is not None:
        shaping = {"refresh": refresh, "spec": shaping}
    return digest(shaping)


def pod_shaping(spec: Spec) -> dict[str, Any]:
    """The pod-shaping fields that differ from their defaults, as in the manifest."""
    return _without_live(spec)


def digest(value: Any) -> str:
    """16 hex digits of SHA-256 over the canonical JSON of `value`."""
    try:
        canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # numbers beyond 64 bits and halves of characters, of a manifest in a file
        canonical = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(canonical).hexdigest()[:HASH_LENGTH]


def _without_live(model: BaseModel) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if Change.LIVE in field.metadata or value is None:
            continue
        if not field.is_required() and value == field.default:
            continue
        kept[field.alias or name] = _plain(value)
    return kept


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _without_live(value)
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return value
