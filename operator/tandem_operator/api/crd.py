"""The CustomResourceDefinition, made from the models."""

from typing import Any

from tandem_operator.api import names
from tandem_operator.api.fields import RULES, Rule
from tandem_operator.api.schema import structural
from tandem_operator.api.spec import Spec
from tandem_operator.api.status import Status

NAME_RULES = (
    Rule(
        f"self.metadata.name.size() <= {names.MAX_NAME_LENGTH}",
        "metadata.name {self.metadata.name} is longer than "
        f"{names.MAX_NAME_LENGTH} characters: shorten it, names of children are made from it",
    ),
    Rule(
        "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "metadata.name {self.metadata.name} must start with a letter, end with a letter or digit "
        "and hold only lower-case letters, digits and '-': a Service is named after it",
    ),
)

COLUMNS = (
    ("Ready", "string", ".status.conditions[?(@.type=='Ready')].status", 0),
    ("Pair", "string", ".status.conditions[?(@.type=='PairCompatible')].reason", 0),
    ("Method", "string", ".spec.speculation.method", 0),
    ("Speculation", "string", ".status.speculation.state", 0),
    ("K", "integer", ".status.speculation.effectiveTokens", 0),
    ("Acceptance%", "integer", ".status.speculation.acceptanceRatePercent", 0),
    ("Speedup", "string", ".status.speculation.speedup", 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
)
"""Name, type, path and priority of each column of `kubectl get`."""

DESCRIPTION = (
    "A target model and its draft, served together: the pair is locked before anything starts, and "
    "the number of drafted tokens follows the traffic while the pods keep running."
)


def definition() -> dict[str, Any]:
    """The CRD as an object."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": names.CRD_NAME},
        "spec": {
            "group": names.GROUP,
            "names": {
                "categories": [names.CATEGORY],
                "kind": names.KIND,
                "listKind": f"{names.KIND}List",
                "plural": names.PLURAL,
                "shortNames": [names.SHORT_NAME],
                "singular": names.SINGULAR,
            },
            "scope": "Namespaced",
            "versions": [_version()],
        },
    }


def _version() -> dict[str, Any]:
    return {
        "name": names.VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path, "priority": priority}
            for name, kind, path, priority in COLUMNS
        ],
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "description": DESCRIPTION,
                "required": ["spec"],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"type": "object"},
                    "spec": structural(Spec),
                    "status": _status(),
                },
                RULES: [rule.to_object() for rule in NAME_RULES],
            }
        },
    }


def _status() -> dict[str, Any]:
    schema = structural(Status)
    _drop_defaults(schema)
    return {**schema, "default": {"observedGeneration": -1}}


def _drop_defaults(schema: dict[str, Any]) -> None:
    """Status is written whole by the operator: a default there would add what nobody wrote."""
    schema.pop("default", None)
    for property_schema in schema.get("properties", {}).values():
        _drop_defaults(property_schema)
    if "items" in schema:
        _drop_defaults(schema["items"])
