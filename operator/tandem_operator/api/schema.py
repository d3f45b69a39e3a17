"""From a model to the structural schema that a CRD takes.

pydantic's JSON schema says everything, but with references, titles, unions with null and whole
objects as defaults, none of which a structural schema may hold.
"""

import copy
from typing import Any

from pydantic import BaseModel

from tandem_operator.api.fields import CHANGE

Schema = dict[str, Any]

INT32_MAX = 2**31 - 1
NOT_IN_A_CRD = ("title", CHANGE, "const")


def structural(model: type[BaseModel]) -> Schema:
    """The structural schema of a model, references resolved."""
    return _structural(resolved(model))


def resolved(model: type[BaseModel]) -> Schema:
    """The JSON schema of a model with every reference replaced by what it names."""
    schema = model.model_json_schema(by_alias=True)
    inlined: Schema = _inlined(schema, schema.get("$defs", {}))
    return inlined


def _inlined(node: Any, definitions: Schema) -> Any:
    if isinstance(node, list):
        return [_inlined(entry, definitions) for entry in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if key not in ("$ref", "$defs")}
    inlined = {key: _inlined(value, definitions) for key, value in kept.items()}
    if "$ref" in node:
        referred = _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
        return {**referred, **inlined}
    return inlined


def _structural(node: Schema) -> Schema:
    schema = _flattened(node)
    properties = schema.pop("properties", None)
    items = schema.pop("items", None)
    default = schema.pop("default", None)
    examples = schema.pop("examples", None)
    values = schema.pop("additionalProperties", None)
    for key in NOT_IN_A_CRD:
        schema.pop(key, None)
    if schema.get("type") == "integer":
        wide = schema.get("maximum", INT32_MAX) > INT32_MAX
        schema["format"] = "int64" if wide else "int32"
    if schema.get("type") == "object" and default is not None:
        schema["default"] = {}
    elif default not in (None, []):
        schema["default"] = default
    if examples:
        schema["example"] = examples[0]
    if properties is not None:
        schema["properties"] = {
            name: _structural(property_schema) for name, property_schema in properties.items()
        }
    if isinstance(values, dict):
        schema["additionalProperties"] = _structural(values)
    if items is not None:
        schema["items"] = _structural(items)
        schema.setdefault("x-kubernetes-list-type", "atomic")
    return schema


def _flattened(node: Schema) -> Schema:
    """A union with null becomes the other type; one of integer and string the Kubernetes form."""
    node = copy.deepcopy(node)
    choices = [choice for choice in node.pop("anyOf", []) if choice.get("type") != "null"]
    if len(choices) == 1:
        return {**choices[0], **node}
    if {choice["type"] for choice in choices} == {"integer", "string"}:
        bounds = {
            key: value for choice in choices for key, value in choice.items() if key != "type"
        }
        return {
            **bounds,
            **node,
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
        }
    if choices:
        raise ValueError(f"no structural schema for this union: {choices}")
    return node
