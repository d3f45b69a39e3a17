"""CHANGELOG.md has the form that releases need, and one version stands everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
SECTIONS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""Those of keepachangelog.com, in its order."""
RELEASE = re.compile(r"Unreleased|\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def faults(text: str, version: str) -> list[str]:
    """What is wrong with a changelog for a project of this version."""
    problems = []
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    titles, bodies = parts[1::2], parts[2::2]
    if titles[:1] != ["Unreleased"]:
        problems.append("the first section is not Unreleased")
    problems += [f"no release: {title}" for title in titles if not RELEASE.fullmatch(title)]
    problems += [f"twice: {title}" for title in sorted({t for t in titles if titles.count(t) > 1})]
    if titles[1:] and not titles[1].startswith(f"{version} "):
        problems.append(f"the newest release is {titles[1]}, the project's version {version}")
    for title, body in zip(titles, bodies, strict=True):
        problems += [f"{title}: {fault}" for fault in _body_faults(body)]
    return problems


def _body_faults(body: str) -> list[str]:
    heads = re.findall(r"^### (.*)$", body, flags=re.MULTILINE)
    problems = [f"no section of a changelog: {head}" for head in heads if head not in SECTIONS]
    if not problems and heads != sorted(set(heads), key=SECTIONS.index):
        problems.append(f"sections twice or out of order: {', '.join(heads)}")
    lines = [line for line in body.splitlines() if line.startswith("- ")]
    problems += [f"twice: {line}" for line in sorted({x for x in lines if lines.count(x) > 1})]
    odd = [x for x in body.splitlines() if x and not x.startswith(("### ", "- ", "  "))]
    return problems + [f"neither a heading nor an entry: {line}" for line in odd]


def test_the_changelog_is_well_formed() -> None:
    assert faults(CHANGELOG, VERSION) == []


def test_the_chart_has_the_version_of_the_project() -> None:
    chart = yaml.safe_load((ROOT / "charts" / "tandem" / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)


GOOD = """\
# Changelog

## Unreleased

### Added

- One.

## 0.2.0 - 2026-01-31

### Fixed

- Two
  lines.
"""


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (GOOD.replace("## Unreleased\n", "## 0.3.0 - 2026-02-01\n"), "not Unreleased"),
        (GOOD.replace("0.2.0 - 2026-01-31", "0.2.0"), "no release: 0.2.0"),
        (GOOD.replace("### Added", "### New"), "no section of a changelog: New"),
        (GOOD.replace("0.2.0", "0.1.0"), "the newest release is 0.1.0"),
        (GOOD.replace("- One.", "- One.\n- One."), "twice: - One."),
        (GOOD.replace("- One.", "One."), "neither a heading nor an entry: One."),
        (GOOD.replace("- One.", "- One.\n\n### Added\n\n- More."), "twice or out of order"),
        (GOOD.replace("- One.", "<<<<<<< HEAD\n- One."), "neither a heading nor an entry: <<<"),
    ],
)
def test_a_changelog_that_is_not_says_what_is_wrong(broken: str, fault: str) -> None:
    (problem,) = [each for each in faults(broken, "0.2.0") if fault in each]
    assert problem


def test_a_released_changelog_is_well_formed() -> None:
    assert faults(GOOD, "0.2.0") == []
