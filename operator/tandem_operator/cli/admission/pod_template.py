"""spec.template by the schema of Kubernetes' pods, whose fields no CRD of this size can describe.

The schema is that of the Kubernetes client, which is generated from Kubernetes' own. It knows
fields, types and what is required; the API server alone judges values against each other.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from tandem_operator.cli.admission import schema
from tandem_operator.cli.admission.sentences import sentences

Object = dict[str, Any]
Schema = dict[str, Any]

TYPES = {"str": "string", "int": "integer", "bool": "boolean", "datetime": "string"}
QUANTITIES = frozenset({"limits", "requests", "overhead", "sizeLimit", "divisor"})
"""Fields that take 2 as well as "2Gi"; the client's schema has them as text."""
PARTIAL = frozenset({"V1PodTemplateSpec", "V1PodSpec"})
"""What the operator's own template completes, so that nothing is required."""
_PLACE = ("spec", "template")


def faults(template: Object) -> tuple[str, ...]:
    """A sentence for each fault, in the order of the fields."""
    broken = schema.errors({"spec": {"template": template}}, root())
    return tuple(sentence for error in broken for sentence in sentences(error))


def version() -> str:
    """The Kubernetes whose fields are known, as 1.35."""
    import kubernetes

    return f"1.{kubernetes.__version__.partition('.')[0]}"


@cache
def root() -> Schema:
    """The schema of a resource of which spec.template alone is checked."""
    made = _object("V1PodTemplateSpec")
    for name in reversed(_PLACE):
        made = {"type": "object", "properties": {name: made}}
    return made


@cache
def _object(model: str) -> Schema:
    # Here, for it takes a second, and most manifests have no template.
    from kubernetes.client import models

    described = getattr(models, model)
    fields = {
        described.attribute_map[attribute]: _value(kind, described.attribute_map[attribute])
        for attribute, kind in described.openapi_types.items()
    }
    made: Schema = {"type": "object", "properties": fields, "additionalProperties": False}
    if model not in PARTIAL:
        made["required"] = [
            described.attribute_map[attribute]
            for attribute, field in described.model_fields.items()
            if field.is_required()
        ]
    return made


def _value(kind: str, field: str) -> Schema:
    """The schema of a type as the client writes it: `str`, `List[V1Volume]`, `Dict[str, str]`."""
    container = re.fullmatch(r"(List|Dict)\[(?:str, )?(\w+)\]", kind)
    if container is not None:
        inner = _value(container[2], field)
        if container[1] == "List":
            return {"type": "array", "items": inner}
        return {"type": "object", "additionalProperties": inner}
    if field in QUANTITIES and kind == "str":
        return {"anyOf": [{"type": "string"}, {"type": "number"}]}
    if kind == "object":  # a port by its number or name
        return {"anyOf": [{"type": "string"}, {"type": "integer"}]}
    return {"type": TYPES[kind]} if kind in TYPES else _object(kind)
