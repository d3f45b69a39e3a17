"""Which mutants are tried: a choice that is the same everywhere, and that an edit hardly moves.

Every possible mutant has a rank, the hash of the seed and of what it is; of each spot in the code
the first is taken, and of those the first of each room. So a changed file changes its own part of
the choice and no other.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from hack.mutants.operators import UNTOUCHED, operators
from hack.mutants.rooms import ROOT, Room


@dataclass(frozen=True)
class Place:
    """Where a kind of defect can be planted. `before`: the line without its indent."""

    file: str
    operator: str
    before: str
    nth: int
    """Of several that are alike in all of the above, from 0."""
    start: tuple[int, int]
    """Line from 1, column from 0."""
    occurrence: int

    def rank(self, seed: str) -> bytes:
        what = f"{seed}\n{self.file}\n{self.operator}\n{self.before}\n{self.nth}"
        return hashlib.sha256(what.encode()).digest()


@dataclass(frozen=True)
class Mutant:
    """One planted defect: `code` is the whole file with it."""

    name: str
    """It holds no line number, so it outlives most edits of the file."""
    file: str
    lines: tuple[int, ...]
    """Of the statement that changed, from 1: tests that run one of them can see the defect."""
    in_function: bool
    """Whether the statement stands in the body of a function."""
    code: str


def choose(room: Room, seed: str) -> tuple[Mutant, ...]:
    """The mutants of a room that are tried, by rank."""
    places = [place for file in room.files() for place in _places(file, seed)]
    ranked = sorted(places, key=lambda place: place.rank(seed))
    return tuple(_mutant(place) for place in ranked[: room.number])


def _places(file: Path, seed: str) -> list[Place]:
    source = (ROOT / file).read_text()
    tree, lines = list(ast_nodes(get_ast(source))), source.splitlines()
    best: dict[tuple[int, int], Place] = {}
    alike: Counter[tuple[str, str]] = Counter()
    for name, operator in operators().items():
        spots = ((node, span[0]) for node in tree for span in operator.mutation_positions(node))
        for occurrence, (node, start) in enumerate(spots):
            before = lines[start[0] - 1].strip()
            if before.startswith(UNTOUCHED) or _is_shown(node):
                continue
            place = Place(str(file), name, before, alike[name, before], start, occurrence)
            alike[name, before] += 1
            previous = best.get(start)
            if previous is None or place.rank(seed) < previous.rank(seed):
                best[start] = place
    return list(best.values())


def _is_shown(node: Any) -> bool:
    return node is not None and (node.type == "fstring" or _is_shown(node.parent))


def _mutant(place: Place) -> Mutant:
    source = (ROOT / place.file).read_text()
    code: str = mutate_code(source, operators()[place.operator], place.occurrence)
    pairs = zip(source.splitlines(), code.splitlines(), strict=False)
    after = next((new.strip() for old, new in pairs if old != new), "")
    more = f" #{place.nth + 1}" if place.nth else ""
    name = f"{place.file}: {place.before} -> {after}{more}"
    tree, line = ast.parse(source), place.start[0]
    return Mutant(name, place.file, _statement(tree, line), _in_function(tree, line), code)


def _in_function(tree: ast.Module, line: int) -> bool:
    return any(
        node.body[0].lineno <= line <= (node.end_lineno or line)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def _statement(tree: ast.Module, line: int) -> tuple[int, ...]:
    """The lines of the innermost statement around `line`; of one with a body, its head."""
    smallest = (line, line)
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or line):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno or line
            if node.lineno > smallest[0] or smallest == (line, line):
                smallest = (node.lineno, max(last, node.lineno))
    return tuple(range(smallest[0], smallest[1] + 1))
