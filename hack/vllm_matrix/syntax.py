"""Finding things in Python sources without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path


class MissingError(LookupError):
    """A file, class or function that the reader knew is no longer there: somebody must look."""


@cache
def module(path: Path) -> ast.Module:
    """The parsed file. Raises MissingError."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingError(f"{path.name} is gone from {path.parent}") from None


def named(tree: ast.AST, name: str) -> ast.AST:
    """The class or function of that name anywhere in the tree, or what is assigned to it.

    Raises MissingError.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return node
        if isinstance(node, ast.Assign) and any(
            isinstance(each, ast.Name) and each.id == name for each in node.targets
        ):
            return node.value
    raise MissingError(f"{name} is gone")


def strings(tree: ast.AST) -> frozenset[str]:
    """Every string constant in the tree but docstrings."""
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return frozenset(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documented
    )


def lineage(root: Path, path: str, name: str) -> Iterator[ast.ClassDef]:
    """A class and those it is derived from, as far as they are vLLM's own."""
    tree = module(root / path)
    definition = named(tree, name)
    assert isinstance(definition, ast.ClassDef)
    yield definition
    for written in definition.bases:
        base = written.value if isinstance(written, ast.Subscript) else written
        if not isinstance(base, ast.Name):
            continue
        if any(isinstance(each, ast.ClassDef) and each.name == base.id for each in tree.body):
            yield from lineage(root, path, base.id)
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vllm."):
                for alias in node.names:
                    if (alias.asname or alias.name) == base.id:
                        place = (node.module or "").removeprefix("vllm.").replace(".", "/")
                        yield from lineage(root, f"{place}.py", alias.name)


def method(classes: list[ast.ClassDef], name: str) -> ast.FunctionDef:
    """The first definition of a method along a lineage. Raises MissingError."""
    for each in classes:
        for node in each.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return node
    raise MissingError(f"{classes[0].name} has no {name}")


def text(tree: ast.AST) -> str:
    """The code in one normal form, without comments."""
    return ast.unparse(tree)
