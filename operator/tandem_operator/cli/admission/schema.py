"""The CRD's schema, as the API server applies it to a resource that is created.

What the server does before it validates, in its order: fields that it does not know are refused,
status is dropped, nulls are dropped, defaults are filled in.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.protocols import Validator

from tandem_operator.api import crd
from tandem_operator.cli.admission import rules
from tandem_operator.cli.admission.metadata import OBJECT_META

Schema = dict[str, Any]

PRESERVED = "x-kubernetes-preserve-unknown-fields"
LIST_KEYS = "x-kubernetes-list-map-keys"
BLOCKING = frozenset({"type", "anyOf", "required", "enum", "maxLength", "maxItems"})
"""Keywords after whose failure the API server evaluates no rule."""


@cache
def root() -> Schema:
    """The schema of the whole resource, closed: where the CRD knows the fields, no others."""
    (version,) = crd.definition()["spec"]["versions"]
    closed = _closed(version["schema"]["openAPIV3Schema"])
    closed["properties"]["metadata"] = OBJECT_META
    closed["required"] = sorted({*closed["required"], "metadata"})
    return closed


def prepared(value: Any, schema: Schema) -> Any:
    """A copy of `value` without nulls and with its defaults, as the API server would keep it."""
    if isinstance(value, dict) and "properties" in schema:
        fields = schema["properties"]
        kept = {
            name: each for name, each in value.items() if each is not None or name not in fields
        }
        defaults = {
            name: copy.deepcopy(field["default"])
            for name, field in fields.items()
            if "default" in field and name not in kept
        }
        return {
            name: prepared(each, fields.get(name, {}))
            for name, each in {**kept, **defaults}.items()
        }
    if isinstance(value, list) and "items" in schema:
        return [prepared(each, schema["items"]) for each in value]
    return value


def errors(value: Any, schema: Schema) -> list[ValidationError]:
    """What of `value` breaks the schema, in the order of its fields."""
    invalid: list[ValidationError] = list(_validator()(schema).iter_errors(value))
    return invalid


def _closed(schema: Schema) -> Schema:
    """A copy in which objects with known fields hold no others."""
    made = dict(schema)
    if "properties" in made:
        made["properties"] = {name: _closed(each) for name, each in made["properties"].items()}
        if not made.get(PRESERVED):
            made["additionalProperties"] = False
    if "items" in made:
        made["items"] = _closed(made["items"])
    return made


@cache
def _validator() -> type[Validator]:
    made: type[Validator] = validators.extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"pattern": _pattern, LIST_KEYS: _unlike}
    )
    return made


def _pattern(_: Validator, pattern: str, value: Any, schema: Schema) -> Iterator[ValidationError]:
    if isinstance(value, str) and not rules.matches(pattern, value):
        yield ValidationError(f"does not match {pattern}")


def _unlike(_: Validator, keys: list[str], value: Any, schema: Schema) -> Iterator[ValidationError]:
    """Entries of a list map differ in their keys."""
    if not isinstance(value, list):
        return
    seen = []
    for index, entry in enumerate(value):
        key = [entry.get(name) for name in keys] if isinstance(entry, dict) else None
        if key is not None and key in seen:
            yield ValidationError(f"{keys[0]} {key[0]} stands twice: keep one entry", path=[index])
        seen.append(key)
