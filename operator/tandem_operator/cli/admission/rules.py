"""The CRD's CEL rules, evaluated by the CEL authors' own library.

A rule holds where the API server says it holds: the expression is the CRD's text, and so is the
message. Rules about a change (`oldSelf`) have nothing to compare in a manifest and are left out, as
the API server leaves them out where an object is created.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

from tandem_operator.api.fields import RULES

_OLD = re.compile(r"\boldSelf\b")
_ENVIRONMENT = cel.NewEnv(variables={"self": cel.Type.DYN}, extensions=[ext_strings.ExtStrings()])


@dataclass(frozen=True)
class Broken:
    """A rule that does not hold: where the API server points, the value there, the message."""

    path: str
    value: Any
    message: str


def broken(schema: dict[str, Any], value: Any, path: str = "") -> Iterator[Broken]:
    """Every rule of the schema that `value` breaks, outermost first.

    `value` has the schema's types, and its defaults are filled in.
    """
    for rule in schema.get(RULES, ()):
        if not _OLD.search(rule["rule"]) and not _holds(rule["rule"], value):
            place = path + rule.get("fieldPath", "")
            yield Broken(place, value, _message(rule, value))
    if isinstance(value, dict):
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                yield from broken(inner, value[name], f"{path}.{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from broken(schema.get("items", {}), each, f"{path}[{index}]")


def matches(pattern: str, text: str) -> bool:
    """Whether `pattern` is found in `text`, by the regular expressions of the API server (RE2)."""
    return _holds("self.text.matches(self.pattern)", {"pattern": pattern, "text": text})


@cache
def compiled(expression: str) -> cel.Expression:
    """The expression, ready to be evaluated. Raises the library's error for what is no CEL."""
    return _ENVIRONMENT.compile(expression)


def _holds(expression: str, value: Any) -> bool:
    """False also where the rule cannot be evaluated: the API server refuses the object then."""
    holds = compiled(expression).eval(data={"self": value})
    return holds.type() == cel.Type.BOOL and holds.value() is True


def _message(rule: dict[str, Any], value: Any) -> str:
    if "messageExpression" in rule:
        made = compiled(rule["messageExpression"]).eval(data={"self": value})
        if made.type() == cel.Type.STRING:
            return str(made.value())
    return str(rule.get("message", f"failed rule: {rule['rule']}"))
