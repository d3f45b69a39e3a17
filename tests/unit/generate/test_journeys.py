"""The journeys of docs/architecture.md are true: their files exist, are connected, and stay few."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PACKAGES = {"tandem_operator": ROOT / "operator", "tandem_runtime": ROOT / "runtime"}
LIMITS = {
    "From a watch event to a written Deployment": 20,
    "From a counter to a changed K": 15,
    "From a tokenizer file to a verdict": 18,
}


def journey(title: str) -> list[Path]:
    """The files of a journey, in their order on the page."""
    section = PAGE.split(f"### {title}\n", 1)[1].split("\n#", 1)[0]
    return [file_of(name) for name in dict.fromkeys(re.findall(r"`([a-z_/]+\.py)`", section))]


def file_of(name: str) -> Path:
    folders = (root / package / name for package, root in PACKAGES.items())
    existing = [path for path in folders if path.exists()]
    assert existing, f"docs/architecture.md names {name}, which does not exist"
    return existing[0]


def module_of(path: Path) -> str:
    package = next(name for name, root in PACKAGES.items() if path.is_relative_to(root))
    return ".".join(path.relative_to(PACKAGES[package]).with_suffix("").parts)


def imports_of(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return names


@pytest.mark.parametrize(("title", "limit"), LIMITS.items())
def test_a_journey_is_short(title: str, limit: int) -> None:
    assert 5 < len(journey(title)) <= limit


@pytest.mark.parametrize("title", LIMITS)
def test_the_files_of_a_journey_are_one_chain_of_imports(title: str) -> None:
    modules = {module_of(path): imports_of(path) for path in journey(title)}
    reached, waiting = set[str](), [next(iter(modules))]
    while waiting:
        here = waiting.pop()
        reached.add(here)
        waiting += [
            there
            for there, imports in modules.items()
            if there not in reached and (there in modules[here] or here in imports)
        ]
    apart = modules.keys() - reached
    assert not apart, f"no import connects these to the rest: {', '.join(sorted(apart))}"
