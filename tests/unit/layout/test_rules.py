"""Files that break the rules of CONTRIBUTING are named with what to do; all others are let be."""

from __future__ import annotations

import pytest

from hack.layout import rules
from hack.layout.__main__ import ROOT, tracked

LONG = "x = 1\n" * 301
CASES = [
    ("tests/unit/test_long.py", LONG, "301 lines, 300 at most"),
    ("charts/tandem/values.yaml", LONG, "301 lines, 300 at most"),
    ("hack/run.sh", LONG, "301 lines, 300 at most"),
    ("operator/tandem_operator/utils/lists.py", "", "`utils` says nothing"),
    ("hack/common.py", "", "`common` says nothing"),
    (
        "tests/unit/a/test_a.py",
        "from tests.unit.a.test_b import x\n",
        ":1: imports tests.unit.a",
    ),
    ("tests/unit/a/world.py", "\n\nfrom tests.unit.a import test_b\n", ":3: imports tests.unit.a"),
    ("tests/unit/a/conftest.py", "import tests.unit.a.test_b\n", ":1: imports tests.unit.a"),
]


@pytest.mark.parametrize(("path", "text", "words"), CASES)
def test_a_broken_rule_is_told_with_its_place(path: str, text: str, words: str) -> None:
    (line,) = rules.broken({path: text})

    assert line.startswith(f"{path}:")
    assert words in line


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tests/unit/test_as_long_as_may_be.py", "x = 1\n" * 300),
        ("operator/tandem_operator/api/common_metadata.py", ""),
    ],
)
def test_what_breaks_no_rule_is_let_be(path: str, text: str) -> None:
    assert rules.broken({path: text}) == []


@pytest.mark.parametrize(
    "path",
    ["docs/resource.md", "charts/tandem/files/crd.yaml", "deploy/base/install.yaml", "uv.lock"],
)
def test_what_a_program_writes_may_be_as_long_as_it_is(path: str) -> None:
    assert not rules.is_written_by_hand(path)


def test_this_tree_breaks_no_rule() -> None:
    assert rules.broken(tracked(ROOT)) == []
