"""Every field of a model with what its models and its schema say about it.

Type, bounds and defaults come from the structural schema, so that a page says what the API server
enforces; what a change does and the rules come from the models, where they stand in words.
"""

import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tandem_operator.api.fields import Change, Explained
from tandem_operator.api.schema import structural

Schema = dict[str, Any]

_MENTION = re.compile(r"\bself((?:\.[a-zA-Z]+)+)")
_PLACEHOLDER = re.compile(r"\{self[^}]*\}")
_ITEMS = "[]"


@dataclass(frozen=True)
class Field:
    """One field. `path` is as in a manifest; entries of a list are `[]`.

    `has_fields` is true for objects, and lists of objects, whose fields follow.
    """

    path: str
    schema: Schema
    required: bool
    live: bool
    has_fields: bool
    rules: tuple[str, ...] = ()


def fields_of(model: type[BaseModel], root: str) -> tuple[Field, ...]:
    """The fields of `model` below the path `root`, each before those inside it."""
    fields = tuple(_walk(model, structural(model), root, live=False))
    return _with_rules(fields, tuple(_rules_of(model, root)))


def _walk(model: type[BaseModel], schema: Schema, path: str, live: bool) -> Iterator[Field]:
    required = schema.get("required", [])
    for name, info in model.model_fields.items():
        alias = info.alias or name
        property_schema = schema["properties"][alias]
        inner = _model_in(info.annotation)
        below = f"{path}.{alias}"
        changes_live = live or Change.LIVE in info.metadata
        yield Field(
            path=below,
            schema=property_schema,
            required=alias in required,
            live=changes_live,
            has_fields=inner is not None,
            rules=tuple(spoken(mark.message) for mark in _marks(info)),
        )
        if inner is None:
            continue
        if property_schema["type"] == "array":
            yield from _walk(inner, property_schema["items"], below + _ITEMS, changes_live)
        else:
            yield from _walk(inner, property_schema, below, changes_live)


def spoken(message: str) -> str:
    """The message of a rule with `...` where the API server puts values in."""
    return _PLACEHOLDER.sub("...", message)


def _rules_of(model: type[BaseModel], path: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The message of each rule and the paths that its expression mentions."""
    for rule in getattr(model, "rules", ()):
        mentioned = frozenset(path + mention for mention in _MENTION.findall(rule.expression))
        yield spoken(rule.message), mentioned
    for name, info in model.model_fields.items():
        inner = _model_in(info.annotation)
        if inner is not None:
            items = _ITEMS if _is_list(info.annotation) else ""
            yield from _rules_of(inner, f"{path}.{info.alias or name}{items}")


def _with_rules(
    fields: tuple[Field, ...], rules: tuple[tuple[str, frozenset[str]], ...]
) -> tuple[Field, ...]:
    paths = {field.path for field in fields}
    rules_by_path: dict[str, list[str]] = {path: [] for path in paths}
    for message, mentioned in rules:
        for path in sorted({_known(mention, paths) for mention in mentioned}):
            rules_by_path[path].append(message)
    return tuple(
        replace(field, rules=tuple(dict.fromkeys((*field.rules, *rules_by_path[field.path]))))
        for field in fields
    )


def _known(mention: str, paths: set[str]) -> str:
    """The deepest known path of a mention, which may end in a CEL function."""
    while mention and mention not in paths:
        mention = mention.rpartition(".")[0]
    if not mention:
        raise ValueError("a rule mentions no field of its model")
    return mention


def _marks(info: FieldInfo) -> Iterator[Explained]:
    yield from (mark for mark in info.metadata if isinstance(mark, Explained))
    yield from _marks_in(info.annotation)


def _marks_in(annotation: Any) -> Iterator[Explained]:
    for mark in getattr(annotation, "__metadata__", ()):
        if isinstance(mark, Explained):
            yield mark
    for inner in typing.get_args(annotation):
        yield from _marks_in(inner)


def _is_list(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (tuple, list)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    models = (_model_in(each) for each in typing.get_args(annotation))
    return next((each for each in models if each is not None), None)
