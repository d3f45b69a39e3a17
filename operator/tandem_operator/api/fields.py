"""What a field of the resource can say about itself beyond its type.

Used by the models in this room. Each mark adds itself to the model's JSON schema, from which
`crd.py` and the resource page are made.
"""

import copy
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

RULES = "x-kubernetes-validations"
CHANGE = "x-tandem-change"

_PLACEHOLDER = re.compile(r"\{(self[^}]*)\}")


class Change(Enum):
    """What a change of a field does. A field without a mark is pod-shaping."""

    LIVE = "live"
    ROLLOUT = "rollout"

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core), CHANGE: self.value}


LIVE = Change.LIVE
"""Mark of a field whose change never resolves, locks or touches a pod template."""


@dataclass(frozen=True)
class ListMap:
    """Mark of a list whose entries are merged by the value of `key`."""

    key: str

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            **handler(core),
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [self.key],
        }


@dataclass(frozen=True)
class Preserved:
    """Mark of an object whose fields the API server keeps without knowing them."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core), "x-kubernetes-preserve-unknown-fields": True}


@dataclass(frozen=True)
class Rule:
    """A CEL rule: `expression` must hold, or the API server answers `message`.

    `message` says what is wrong and the remedy; `{self.x}` in it stands for the value of that CEL
    expression. `field` (a CEL path such as `.draft`) is where the API server points.
    """

    expression: str
    message: str
    field: str | None = None

    def to_object(self) -> dict[str, Any]:
        """The rule as it stands in a CRD."""
        rule: dict[str, Any] = {"rule": self.expression}
        parts = _PLACEHOLDER.split(self.message)
        if len(parts) == 1:
            rule["message"] = self.message
        else:
            # Not `string(...)`: the API server takes its result for boundless and refuses the rule.
            text = "%s".join(part.replace("%", "%%") for part in parts[::2])
            rule["messageExpression"] = f"{_quoted(text)}.format([{', '.join(parts[1::2])}])"
        if self.field is not None:
            rule["fieldPath"] = self.field
        return rule


@dataclass(frozen=True)
class Explained:
    """Mark of a string with a pattern: who breaks it reads `message` instead of the pattern.

    `unless` is a CEL expression under which the pattern is not asked for.
    """

    message: str
    unless: str | None = None

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = copy.deepcopy(handler(core))
        holder = next(each for each in (schema, *schema.get("anyOf", ())) if "pattern" in each)
        expression = f"self.matches(r'{holder.pop('pattern')}')"
        if self.unless is not None:
            expression = f"{self.unless} || {expression}"
        return {**schema, RULES: [Rule(expression, self.message).to_object()]}


class SpecModel(BaseModel):
    """Base of everything under `spec`: immutable, camelCase outside, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core)
        if cls.rules:
            handler.resolve_ref_schema(schema)[RULES] = [rule.to_object() for rule in cls.rules]
        return schema


class StatusModel(BaseModel):
    """Base of everything under `status`: immutable; fields of another release are ignored."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
