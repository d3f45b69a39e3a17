"""The source files that documents name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"] + [
    page
    for page in sorted((REPOSITORY / "docs").rglob("*.md"))
    if page.parent.name != "decisions"  # which keep the names of their time
]
SOURCES = {
    file.relative_to(REPOSITORY).as_posix()
    for room in ("operator", "runtime", "hack", "tests", "charts", "examples")
    for file in (REPOSITORY / room).rglob("*.py")
}
NAMED = re.compile(r"`([\w./-]+/[\w-]+\.py)(?:::\w+)?`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_source_file_that_a_page_names_exists(page: Path) -> None:
    named = NAMED.findall(page.read_text())

    assert [
        one for one in named if not any(f"/{each}".endswith(f"/{one}") for each in SOURCES)
    ] == []
