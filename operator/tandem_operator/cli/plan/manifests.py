"""The resources in files of manifests, read as kubectl reads them.

YAML as kubectl takes it is neither YAML 1.1 nor 1.2: a date and `1:30` are text, `y` is true,
`1e1` is a number, and whatever is read becomes JSON.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tandem_operator.api import names

Object = dict[str, Any]

STANDARD_INPUT = "-"
LIST_KINDS = ("List", f"{names.KIND}List")
_TAG = "tag:yaml.org,2002:"


class ManifestError(ValueError):
    """The file holds no manifest that could be judged; the text names the file."""


@dataclass(frozen=True)
class Manifest:
    """One resource, and where it was found: the file, and its name or place in the file."""

    file: str
    place: str
    object: Object


class _Loader(yaml.SafeLoader):
    """Scalars are null, bool, int, float or text by the forms below; nothing is a time. A key that
    stands twice in one mapping is an error, as kubectl has it."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose own keys differ; those that `<<` brings may be set again."""
        lines: dict[str, int] = {}
        for key, _ in node.value:
            is_own = node.start_mark.index <= key.start_mark.index < node.end_mark.index
            if not is_own or not isinstance(key, yaml.ScalarNode) or key.tag == _TAG + "merge":
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value} stands in line {lines[key.value]} already",
                    problem_mark=key.start_mark,
                )
            lines[key.value] = line
        return super().construct_mapping(node, deep)


_Loader.bool_values = {**yaml.SafeLoader.bool_values, "y": True, "n": False}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag in (_TAG + "null", _TAG + "merge")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind, _form, _first in (
    ("bool", r"y|Y|n|N|(?i:yes|no|on|off|true|false)", "yYnNtTfFoO"),
    ("int", r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(f"^(?:{_form})$"), list(_first))


def read(filename: str) -> list[Manifest]:
    """The resources of a file (`-`: standard input), those in lists too. Raises ManifestError."""
    documents = list(_documents(_text(filename), filename))
    objects = [each for document in documents for each in _flat(document, filename)]
    manifests = [
        Manifest(filename, _place(each, index), each)
        for index, each in enumerate(objects, start=1)
        if each.get("kind") == names.KIND
    ]
    if not manifests:
        raise ManifestError(f"{filename} holds no {names.KIND}: {_instead(objects)}")
    return manifests


def _text(filename: str) -> str:
    if filename == STANDARD_INPUT:
        try:
            return sys.stdin.read()
        except UnicodeDecodeError as problem:
            raise ManifestError(
                f"standard input is not text in UTF-8 (byte {problem.start})"
            ) from problem
    try:
        return Path(filename).read_text(encoding="utf-8")
    except OSError as problem:
        raise ManifestError(f"{filename} cannot be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise ManifestError(
            f"{filename} cannot be read: it is not text in UTF-8 (byte {problem.start})"
        ) from problem


def _documents(text: str, filename: str) -> Iterator[Any]:
    try:
        for document in yaml.load_all(text, _Loader):
            if document is not None:
                # As JSON, since that is what the API server gets: keys are text, 3.0 is 3.
                encoded = json.dumps(document, ensure_ascii=False)
                encoded.encode()
                yield json.loads(encoded, parse_float=_number)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
        detail = ", ".join(each for each in (problem.context, problem.problem) if each)
        raise ManifestError(f"{filename} is not YAML: {place}{detail}") from problem
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as problem:
        detail = " ".join(str(problem).split())
        raise ManifestError(f"{filename} is not YAML: {detail}") from problem


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value


def _flat(document: Any, filename: str) -> Iterator[Object]:
    if not isinstance(document, dict):
        raise ManifestError(f"{filename} holds {json.dumps(document)[:80]}, which is no resource")
    items = document.get("items")
    if document.get("kind") not in LIST_KINDS or not isinstance(items, list):
        yield document
        return
    for item in items:
        yield from _flat(item, filename)


def _place(document: Object, index: int) -> str:
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) and name else f"resource {index}"


def _instead(objects: list[Object]) -> str:
    if not objects:
        return "it is empty"
    kinds = [str(each.get("kind")) for each in objects]
    near = difflib.get_close_matches(names.KIND, kinds, n=1, cutoff=0.8)
    return f"it holds {', '.join(kinds)}" + (f", did you mean {names.KIND}?" if near else "")
