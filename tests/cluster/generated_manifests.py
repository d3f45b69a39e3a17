"""Manifests made from the CRD's own schema: a good one, with some of its fields set to anything.

What a field is set to fits its schema about as often as it does not, and the fields are drawn from
all that the schema has; so some manifests are good, and most break one rule or bound.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

from tandem_operator.api.crd import definition
from tests.cluster.bad_manifests.case import Bad

Object = dict[str, Any]

SPEC: Object = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][
    "spec"
]
METHODS = SPEC["properties"]["speculation"]["properties"]["method"]["enum"]
WITH_DRAFT = ("DraftModel", "Eagle", "Eagle3", "Medusa")
URIS = (
    "hf://org/name",
    "pvc://claim/folder/file.gguf",
    "oci://registry.example/image@sha256:0",
    "s3://bucket/path",
    "org/name",
    "hf://org",
    "hf://org/name/sub",
    "pvc://claim/../x",
    "ftp://host/x",
    "hf://org/name\n",
    "hf://örg/name",
)
TEXTS = (
    "a",
    "A",
    "a-b.c",
    "-a",
    "a b",
    "",
    "x\n",
    "é",
    "0",
    "None",
    "25%",
    "101%",
    "10Gi",
    "a" * 600,
)
OTHERS: tuple[Any, ...] = (None, 7, -1, 2.5, 10**19, True, "7", [], {}, ["a"], {"a": 1})
UNKNOWN = "unheardOf"


def manifests(count: int, seed: int) -> Iterator[Object]:
    """So many manifests; the same seed gives the same."""
    draw = random.Random(seed)
    for number in range(count):
        manifest = Bad("", {}, "", "", "").manifest(f"made-{number}")
        spec = manifest["spec"]
        spec["speculation"]["method"] = draw.choice(METHODS)
        if spec["speculation"]["method"] not in WITH_DRAFT and draw.random() < 0.8:
            del spec["draft"]
        for _ in range(draw.randint(0, 3)):
            _change(spec, SPEC, draw)
        yield manifest


def _change(value: Object, schema: Object, draw: random.Random) -> None:
    """Set one field somewhere below `value`."""
    name = draw.choice([*schema["properties"], *([UNKNOWN] if draw.random() < 0.05 else [])])
    field = schema["properties"].get(name, {})
    entry = value.get(name)
    if (
        "properties" in field
        and draw.random() < 0.85
        and (entry is None or isinstance(entry, dict))
    ):
        _change(value.setdefault(name, {}) if entry is None else entry, field, draw)
    elif name in value and draw.random() < 0.15:
        del value[name]
    else:
        value[name] = _value(field, draw)


def _value(schema: Object, draw: random.Random) -> Any:
    if draw.random() < 0.15:
        return copy.deepcopy(draw.choice(OTHERS))
    if "enum" in schema:
        return draw.choice([*schema["enum"], schema["enum"][0].lower()])
    if "anyOf" in schema:
        return draw.choice([0, 1, 1000, 1001, -1, "0%", "25%", "101%", "1", "100%", "0"])
    match schema.get("type"):
        case "integer":
            low, high = schema["minimum"], schema["maximum"]
            return draw.choice([low, high, low - 1, high + 1, *(draw.randint(low, high),) * 4])
        case "boolean":
            return draw.choice([True, False])
        case "string":
            if str(schema.get("example", "")).startswith("hf://"):
                return draw.choice(URIS)
            return draw.choice([*([schema.get("example", "a")] * 6), *TEXTS])
        case "array":
            length = draw.choice([0, 1, 1, 2, 2, 3])
            return [_value(schema["items"], draw) for _ in range(length)]
        case "object":
            made: Object = {}
            for name, field in schema.get("properties", {}).items():
                if name in schema.get("required", ()) or draw.random() < 0.3:
                    made[name] = _value(field, draw)
            return made
        case _:
            return draw.choice(OTHERS)
