"""What a field of the resource can say about itself beyond its type.

Used by the models in this room and read by the CRD and documentation generators.
"""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Change(Enum):
    """What a change of a field does. A field without a mark is pod-shaping."""

    LIVE = "live"
    ROLLOUT = "rollout"


LIVE = Change.LIVE
"""Mark of a field whose change never resolves, locks or touches a pod template."""


@dataclass(frozen=True)
class ListMap:
    """Mark of a list whose entries are merged by the value of `key`."""

    key: str


@dataclass(frozen=True)
class Preserved:
    """Mark of an object whose fields the API server keeps without knowing them."""


@dataclass(frozen=True)
class Quantity:
    """Mark of a string that must be a Kubernetes resource quantity."""


@dataclass(frozen=True)
class Rule:
    """A CEL rule on an object: `expression` must hold, or the API server answers `message`.

    `message` names the value's rule and the remedy; `field` (a CEL path such as `.draft`) is
    where the API server points.
    """

    expression: str
    message: str
    field: str | None = None


class SpecModel(BaseModel):
    """Base of everything under `spec`: immutable, camelCase outside, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()


class StatusModel(BaseModel):
    """Base of everything under `status`: immutable; fields of another release are ignored."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )
