"""Every row of the table of capabilities stands in the sources of the vLLM that is installed.

`make vllm-matrix` asks the same of the newest versions that the registry has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from hack.vllm.environment import VLLM_VERSION
from hack.vllm_matrix import compare
from hack.vllm_matrix.drafters import MODULES
from hack.vllm_matrix.facts import Facts, read
from tandem_runtime.contract.engines import vllm_capabilities as table
from tandem_runtime.contract.engines.vllm_capabilities import (
    CUT,
    NATIVE,
    NOTHING,
    V1,
    V2,
    Drafter,
)

MAJOR, MINOR = map(int, VLLM_VERSION.split(".")[:2])
VERSION = (MAJOR, MINOR)
ROWS = table.drafters_of(VERSION)
OTHERWISE: dict[str, Any] = {
    "live": {NATIVE: CUT, CUT: NATIVE},
    "by_step": {True: False, False: True},
    "saves": {},
    "idle": {},
    "asynchronous": {True: False, False: True},
}
"""Another value for each field of a row; NOTHING, or a forward pass in its place, where none is."""


def changed() -> Iterator[tuple[tuple[str, str], str, Drafter]]:
    """Every row with each of its fields changed."""
    for row, drafter in ROWS.items():
        for field, others in OTHERWISE.items():
            value = getattr(drafter, field)
            another = table.ONE_FORWARD if value == NOTHING else NOTHING
            yield row, field, drafter._replace(**{field: others.get(value, another)})


@pytest.fixture(scope="module")
def facts(vllm_environment: Path) -> Facts:
    (folder,) = vllm_environment.glob("lib/python3*/site-packages/vllm")
    return read(folder)


def test_the_table_holds_in_the_vllm_that_is_installed(facts: Facts) -> None:
    assert list(compare.differences(facts, VERSION, ROWS)) == []


@pytest.mark.parametrize(
    ("row", "other"),
    [(row, other) for row, _, other in changed()],
    ids=[f"{'-'.join(row)}-{field}" for row, field, _ in changed()],
)
def test_a_row_that_is_changed_is_found(facts: Facts, row: tuple[str, str], other: Drafter) -> None:
    (difference,) = compare.differences(facts, VERSION, {**ROWS, row: other})

    assert difference.startswith(" ".join(row))


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_a_row_that_is_missing_is_found(facts: Facts, row: tuple[str, str]) -> None:
    left = {each: drafter for each, drafter in ROWS.items() if each != row}

    assert [each.split(":")[0] for each in compare.differences(facts, VERSION, left)] == [
        " ".join(row)
    ]


def test_a_row_that_vllm_lacks_is_found(facts: Facts) -> None:
    more = {**ROWS, (V2, "suffix"): ROWS[V1, "suffix"]}

    assert list(compare.differences(facts, VERSION, more)) == [
        "V2 suffix: the table has it, vLLM does not"
    ]


@pytest.mark.parametrize("field", [each.name for each in fields(Facts)])
def test_a_fact_that_vllm_changes_is_found(facts: Facts, field: str) -> None:
    value = getattr(facts, field)
    other: Any
    if isinstance(value, bool):
        other = not value
    elif isinstance(value, dict):
        other = {**value, (V2, MODULES): (NATIVE, True, NOTHING, NOTHING)}
    elif all(isinstance(each, int) for each in value):
        other = frozenset({7})
    else:
        other = frozenset({"oracle"})

    assert list(compare.differences(replace(facts, **{field: other}), VERSION, ROWS))
