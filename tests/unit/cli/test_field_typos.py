"""A typo in any field of the resource is refused by its path, with the field that was meant."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tandem_operator.cli.admission import answer, schema
from tests.cluster.bad_manifests.case import Bad

Object = dict[str, Any]

ROOT = schema.root()


def fields(node: Object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every field that the CRD knows, lists' entries left out."""
    for name, inner in node.get("properties", {}).items():
        yield (*path, name)
        yield from fields(inner, (*path, name))


FIELDS = [(name,) for name in ROOT["properties"] if name != "status"] + list(
    fields(ROOT["properties"]["spec"], ("spec",))
)


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_a_typo_is_named_with_what_was_meant(path: tuple[str, ...]) -> None:
    manifest: Object = copy.deepcopy(Bad("", {}, "", "", "").manifest())
    holder = manifest
    for name in path[:-1]:
        holder = holder.setdefault(name, {})
    wrong = path[-1] + "x"
    holder[wrong] = holder.pop(path[-1], None)

    place = ".".join((*path[:-1], wrong))
    if path == ("apiVersion",):
        # Without it nothing says by which schema to judge.
        assert answer.to(manifest).faults == ("apiVersion is None: use tandem.dev/v1alpha1",)
        return
    expected = f"{place} is no field: did you mean {path[-1]}?"
    assert expected in answer.to(manifest).faults


def test_the_fields_are_those_of_the_whole_resource() -> None:
    assert len(FIELDS) > 70
    assert ("spec", "tuning", "thresholds", "forSeconds") in FIELDS
