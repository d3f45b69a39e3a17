"""How long a file may be, what it may be called, and what a test may import."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from hack.generate import files
from hack.gitops import manifests

MOST_LINES = 300
SUFFIXES = {".py", ".sh", ".go", ".lua", ".tpl", ".toml", ".yaml", ".yml"}
NAMES_OF_NOTHING = {"utils", "util", "common"}


def is_written_by_hand(path: str) -> bool:
    """Whether these rules are for it: a source or configuration that no program writes."""
    if path in files.FILES or path in manifests.PATHS:
        return False
    return PurePosixPath(path).suffix in SUFFIXES or path == "Makefile"


def broken(texts: Mapping[str, str]) -> list[str]:
    """A line for each rule that a file breaks: what is wrong, where, and what to do."""
    return [line for path, text in sorted(texts.items()) for line in _of(path, text)]


def _of(path: str, text: str) -> Iterator[str]:
    count = len(text.splitlines())
    if count > MOST_LINES:
        yield f"{path}: {count} lines, {MOST_LINES} at most: split it by what its parts hold"
    for part in PurePosixPath(path).with_suffix("").parts:
        if part in NAMES_OF_NOTHING:
            yield f"{path}: `{part}` says nothing of what it holds: name it after that"
    if path.startswith("tests/") and path.endswith(".py"):
        for line, module in _imported(text):
            if module.rpartition(".")[2].startswith("test_"):
                yield (
                    f"{path}:{line}: imports {module}, a file of tests: move what both use to a "
                    "module of its own"
                )


def _imported(text: str) -> Iterator[tuple[int, str]]:
    """Line and name of each module that is imported, and of each name that may be one."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{each.name}") for each in node.names)
