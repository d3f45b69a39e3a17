"""Environment variables of the engine container: whose they are, and how they come together."""

from collections.abc import Iterable
from typing import Any

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import EnvVar, Spec
from tandem_operator.engines.interface.field_error import FieldError

Object = dict[str, Any]

OWNED_EVERYWHERE = ("PYTHONPATH", "PROMETHEUS_MULTIPROC_DIR", "HF_*", "TANDEM_*")
"""Names, or beginnings of names, that the operator sets in every engine."""


def owns(owned: Iterable[str], name: str) -> bool:
    """Whether a variable is the operator's; an entry with `*` at its end is a beginning."""
    return any(
        name.startswith(entry[:-1]) if entry.endswith("*") else name == entry for entry in owned
    )


def may_own(owned: Iterable[str], prefix: str) -> bool:
    """Whether a variable whose name begins with `prefix` can be the operator's."""
    return any(
        entry.rstrip("*").startswith(prefix)
        or (entry.endswith("*") and prefix.startswith(entry[:-1]))
        for entry in owned
    )


def validate(spec: Spec, owned: tuple[str, ...]) -> tuple[FieldError, ...]:
    """The variables in `engine.env` that are the operator's."""
    return tuple(
        FieldError(
            StalledReason.INVALID_ARGUMENTS,
            f"spec.engine.env[{index}].name",
            variable.name,
            "the operator sets this variable",
            "remove it",
        )
        for index, variable in enumerate(spec.engine.env)
        if owns(owned, variable.name)
    )


def merged(defaults: dict[str, str], owned: dict[str, str], spec: Spec) -> list[Object]:
    """The container's variables: defaults that the user may change, then the user's, then ours."""
    by_name: dict[str, Object] = {
        name: {"name": name, "value": value} for name, value in defaults.items()
    }
    for variable in spec.engine.env:
        by_name[variable.name] = _object(variable)
    for name, value in owned.items():
        by_name[name] = {"name": name, "value": value}
    return list(by_name.values())


def _object(variable: EnvVar) -> Object:
    dumped = variable.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dict(dumped)
