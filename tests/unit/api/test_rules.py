"""What a rule of a model becomes in the CRD: an expression, its place, and words with values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tandem_operator.api.fields import RULES, Rule
from tandem_operator.api.schema import structural
from tandem_operator.api.spec import Spec

Object = dict[str, Any]


def nodes(schema: Object, path: str = "spec") -> Iterator[tuple[str, Object]]:
    yield path, schema
    for name, property_schema in schema.get("properties", {}).items():
        yield from nodes(property_schema, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")


NODES = dict(nodes(structural(Spec)))
PLACES = [
    (path, rule["fieldPath"])
    for path, node in NODES.items()
    for rule in node.get(RULES, ())
    if "fieldPath" in rule
]


def test_a_message_without_values_is_plain() -> None:
    assert Rule("self.a == 1", "a must be 1", ".a").to_object() == {
        "rule": "self.a == 1",
        "message": "a must be 1",
        "fieldPath": ".a",
    }


def test_values_are_put_into_the_message() -> None:
    assert Rule("self.a <= self.b", "a {self.a} is above b {self.b}: lower a").to_object() == {
        "rule": "self.a <= self.b",
        "messageExpression": "'a %s is above b %s: lower a'.format([self.a, self.b])",
    }


def test_percent_signs_and_quotes_of_a_message_stay_what_they_are() -> None:
    rule = Rule("true", "50% of {self.a} isn't \\ enough").to_object()

    assert rule["messageExpression"] == "'50%% of %s isn\\'t \\\\ enough'.format([self.a])"


@pytest.mark.parametrize(("path", "place"), PLACES)
def test_the_field_that_a_rule_points_at_exists(path: str, place: str) -> None:
    assert path + place in NODES
