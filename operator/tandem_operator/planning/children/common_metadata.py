"""Labels and annotations that the user gives to everything that is made for a resource."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.planning.resource import Resource

Object = dict[str, Any]

OWNED_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance", names.LABEL_MANAGED_BY)
SCRAPED = "prometheus.io/"
"""On a Service as well, a scraper that reads annotations would read each pod twice."""


def owns(label: str) -> bool:
    """Whether the label is the operator's to set."""
    return label.startswith(f"{names.GROUP}/") or label in OWNED_LABELS


def labels_of(resource: Resource) -> dict[str, str]:
    """Those of spec.template, under those of spec.commonMetadata."""
    given = {**_of_template(resource, "labels"), **resource.spec.common_metadata.labels}
    return {key: value for key, value in given.items() if not owns(key)}


def annotations_of(resource: Resource, kind: str) -> dict[str, str]:
    """As `labels_of`; `kind` is that of the object that gets them."""
    given = _of_template(resource, "annotations")
    if kind == "Service":
        given = {key: value for key, value in given.items() if not key.startswith(SCRAPED)}
    given |= resource.spec.common_metadata.annotations
    return {key: value for key, value in given.items() if not owns(key)}


def _of_template(resource: Resource, field: str) -> dict[str, str]:
    """What of it is well formed: the rest is refused where the template is judged."""
    metadata = (resource.spec.template or {}).get("metadata")
    given = metadata.get(field) if isinstance(metadata, dict) else None
    if not isinstance(given, dict):
        return {}
    return {key: value for key, value in given.items() if isinstance(value, str)}
