"""Which differences between what stands and what is wanted are differences."""

from __future__ import annotations

import pytest

from tandem_operator.planning.change import holds


@pytest.mark.parametrize(
    ("existing", "wanted"),
    [
        ({}, {"minReadySeconds": 0, "readOnly": False, "emptyDir": {}, "name": ""}),
        ({"a": 1, "theirs": 2}, {"a": 1}),
        ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "1000m"}}),
    ],
)
def test_what_the_api_server_normalises_is_no_difference(
    existing: dict[str, object], wanted: dict[str, object]
) -> None:
    assert holds(existing, wanted)


@pytest.mark.parametrize(
    ("existing", "wanted"),
    [
        ({"replicas": 2}, {"replicas": 0}),
        ({}, {"replicas": 2}),
        ({"args": ["a", "b"]}, {"args": ["b", "a"]}),
        ({"readOnly": True}, {"readOnly": False}),
    ],
)
def test_another_value_is_a_difference(
    existing: dict[str, object], wanted: dict[str, object]
) -> None:
    assert not holds(existing, wanted)
