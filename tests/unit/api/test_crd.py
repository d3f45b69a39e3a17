"""What the API server is given: bounded, explained, and with defaults where they may stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from tandem_operator.api import crd, names
from tests.unit.api import builders

Schema = dict[str, Any]

VERSION = crd.definition()["spec"]["versions"][0]
ROOT: Schema = VERSION["schema"]["openAPIV3Schema"]
YAML_BOOLEANS = {"y", "n", "yes", "no", "on", "off", "true", "false"}
FOREIGN_TO_CRDS = {"title", "$ref", "$defs", "const", "oneOf", "definitions"}


def walk(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, property_schema in schema.get("properties", {}).items():
        yield from walk(property_schema, f"{path}.{name}")
    if "items" in schema:
        yield from walk(schema["items"], f"{path}[]")


SPEC = dict(walk(ROOT["properties"]["spec"], "spec"))
STATUS = dict(walk(ROOT["properties"]["status"], "status"))
ALL = SPEC | STATUS


def of(kind: str) -> list[str]:
    return [path for path, property_schema in ALL.items() if property_schema.get("type") == kind]


@pytest.mark.parametrize("path", of("string"))
def test_a_string_is_bounded(path: str) -> None:
    property_schema = ALL[path]

    assert (
        "maxLength" in property_schema
        or "enum" in property_schema
        or property_schema.get("format") == "date-time"
    )


@pytest.mark.parametrize("path", of("array"))
def test_a_list_is_bounded_and_says_how_it_is_merged(path: str) -> None:
    property_schema = ALL[path]

    assert property_schema["maxItems"] > 0
    assert property_schema["x-kubernetes-list-type"] in ("atomic", "map", "set")
    for key in property_schema.get("x-kubernetes-list-map-keys", ()):
        assert key in property_schema["items"]["required"]
        assert "default" not in property_schema["items"]["properties"][key]


@pytest.mark.parametrize("path", of("integer"))
def test_a_number_is_bounded_below_and_says_its_width(path: str) -> None:
    property_schema = ALL[path]

    assert "minimum" in property_schema
    assert property_schema["format"] in ("int32", "int64")
    if path.startswith("spec"):
        assert property_schema["maximum"] < 2**31


@pytest.mark.parametrize("path", sorted(set(ALL) - {"spec", "status"}))
def test_every_field_is_described(path: str) -> None:
    assert ALL[path].get("description")


@pytest.mark.parametrize(
    "path", [path for path, property_schema in ALL.items() if "enum" in property_schema]
)
def test_no_value_is_a_boolean_in_older_yaml(path: str) -> None:
    values = {str(value).lower() for value in ALL[path]["enum"]}

    if path != "status.conditions[].status":
        assert not values & YAML_BOOLEANS


@pytest.mark.parametrize(
    "path", [path for path, property_schema in SPEC.items() if "example" in property_schema]
)
def test_an_example_is_valid(path: str) -> None:
    jsonschema.validate(SPEC[path]["example"], SPEC[path])


def test_every_plain_field_of_the_spec_has_an_example() -> None:
    plain = ("string", "integer", "boolean")
    lacking = [
        path
        for path, property_schema in SPEC.items()
        if property_schema.get("type") in plain
        and "example" not in property_schema
        and not path.endswith("[]")
    ]
    assert lacking == []


def test_objects_default_to_empty_so_that_defaults_inside_them_apply() -> None:
    for path, property_schema in SPEC.items():
        if property_schema.get("type") == "object" and "default" in property_schema:
            assert property_schema["default"] == {}, path


def test_nothing_inside_an_atomic_list_has_a_default() -> None:
    for path, property_schema in SPEC.items():
        if property_schema.get("x-kubernetes-list-type") == "atomic":
            assert [
                at for at, each in walk(property_schema["items"], path) if "default" in each
            ] == []


def test_status_begins_as_not_observed_and_defaults_nothing_else() -> None:
    assert ROOT["properties"]["status"]["default"] == {"observedGeneration": -1}
    assert [path for path, property_schema in STATUS.items() if "default" in property_schema] == [
        "status"
    ]


@pytest.mark.parametrize("path", ALL)
def test_only_keywords_of_a_structural_schema_occur(path: str) -> None:
    assert not FOREIGN_TO_CRDS & set(ALL[path])
    assert ALL[path].get("x-kubernetes-int-or-string") or "type" in ALL[path]


def test_a_pair_is_accepted_by_the_schema() -> None:
    jsonschema.validate(builders.manifest(), ROOT["properties"]["spec"])


def test_what_the_engine_and_the_pod_template_know_is_kept_as_it_is() -> None:
    kept = [
        path
        for path, property_schema in SPEC.items()
        if property_schema.get("x-kubernetes-preserve-unknown-fields")
    ]

    assert kept == ["spec.speculation.engineConfig", "spec.template"]


def test_scale_reads_and_writes_what_an_autoscaler_needs() -> None:
    assert VERSION["subresources"]["scale"] == {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    assert VERSION["subresources"]["status"] == {}


def test_columns_show_what_is_asked_first() -> None:
    assert [column["name"] for column in VERSION["additionalPrinterColumns"]] == [
        "Ready",
        "Pair",
        "Method",
        "Speculation",
        "K",
        "Acceptance%",
        "Speedup",
        "Age",
    ]


def test_the_definition_is_named_after_what_it_defines() -> None:
    definition = crd.definition()

    assert definition["metadata"]["name"] == names.CRD_NAME == "speculativedeployments.tandem.dev"
    assert definition["spec"]["names"]["shortNames"] == ["specdep"]
    assert definition["spec"]["scope"] == "Namespaced"


def test_every_rule_says_what_is_wrong() -> None:
    rules = [
        rule
        for _, property_schema in walk(ROOT, "")
        for rule in property_schema.get("x-kubernetes-validations", ())
    ]

    assert len(rules) > 25
    for rule in rules:
        assert ("message" in rule) != ("messageExpression" in rule)
