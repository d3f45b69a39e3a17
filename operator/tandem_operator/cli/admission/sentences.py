"""A broken schema in a sentence: where, the value, what is wrong with it, what to write."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from jsonschema import ValidationError

from tandem_operator.cli.admission.metadata import SENTENCE
from tandem_operator.cli.admission.schema import LIST_KEYS

MAX_SHOWN = 80
KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "object": "a map of fields",
    "array": "a list",
    "null": "null",
}


def sentences(error: ValidationError) -> Iterator[str]:
    """What is said of one error of the schema; one sentence a field where it is about several."""
    place = _path(error.absolute_path)
    value: Any = error.instance
    schema: Any = error.schema
    limit: Any = error.validator_value
    match error.validator:
        case "required":
            # One error a field, and the field stands in its message alone.
            (name,) = (each for each in limit if error.message.startswith(repr(each)))
            yield f"{_join(place, name)} is required and missing"
        case "additionalProperties":
            known = list(schema["properties"])
            for name in value.keys() - known:
                yield f"{_join(place, name)} is no field: {_nearest(name, known)}"
        case "type" | "anyOf":
            yield f"{place}: {shown(value)} is {kind_of(value)}: {_write(value, schema)}"
        case "enum":
            near = _near(str(value), limit)
            yield (
                f"{place}: {shown(value)} is none of {', '.join(limit)}"
                f"{f': did you mean {near}?' if near else ''}"
            )
        case "minimum" | "maximum":
            yield f"{place}: {shown(value)} is out of range: give {_range(schema)}"
        case "minLength" if limit == 1:
            yield f"{place} is empty: give it a value or remove it"
        case "minLength" | "maxLength":
            bound = "shorter" if error.validator == "minLength" else "longer"
            yield f"{place}: {shown(value)} is {bound} than {limit} characters"
        case "maxItems":
            yield f"{place} has {len(value)} entries: {limit} at most"
        case "pattern":
            yield f"{place}: {shown(value)} cannot stand here: {schema[SENTENCE]}"
        case _ if error.validator == LIST_KEYS:
            yield f"{place}: {error.message}"
        case _:
            yield f"{place}: {shown(value)}: {error.message}"


def shown(value: Any) -> str:
    """The value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def kind_of(value: Any) -> str:
    """The kind of a value, in words."""
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "boolean"),
        (int, "integer"),
        (float, "number"),
        (str, "string"),
        (dict, "object"),
        (list, "array"),
    )
    return KINDS[next((name for kind, name in kinds if isinstance(value, kind)), "null")]


def _write(value: Any, schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if kind == "integer" and isinstance(value, str) and value.lstrip("-").isdecimal():
        return f"write {value} without quotes"
    if kind == "string" and not isinstance(value, dict | list | None):
        return f'put it in quotes, "{json.dumps(value)}"'
    choices = [kind] if kind else [each["type"] for each in schema["anyOf"]]
    return f"write {' or '.join(KINDS[each] for each in choices)}"


def _range(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None or high is None:
        return f"{high} at most" if low is None else f"{low} or more"
    return f"{low} to {high}"


def _nearest(name: str, known: list[str]) -> str:
    near = _near(name, known)
    return f"did you mean {near}?" if near else f"known are {', '.join(sorted(known))}"


def _near(name: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)), None)


def _path(parts: Iterable[str | int]) -> str:
    path = ""
    for part in parts:
        path = f"{path}[{part}]" if isinstance(part, int) else _join(path, part)
    return path


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
