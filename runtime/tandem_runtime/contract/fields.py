"""Typed reading of decoded JSON, for the documents of this package alone.

Standard library only: the contract imports inside any engine's own environment.
"""

from __future__ import annotations

from typing import Any, NoReturn


class ContractError(ValueError):
    """A document is not as the contract says. The message names the key and what it must be."""


def refuse(key: str, value: object, wanted: str) -> NoReturn:
    """Raise ContractError for one key; long values are cut."""
    raise ContractError(f"{key} is {repr(value)[:80]}; it must be {wanted}")


def document(value: object, where: str) -> dict[str, Any]:
    """`value` as a JSON object. Raises ContractError."""
    if not isinstance(value, dict):
        refuse(where, value, "a JSON object")
    return value


def text(holder: dict[str, Any], key: str) -> str:
    """A string that must be there. Raises ContractError."""
    value = holder.get(key)
    if not isinstance(value, str):
        refuse(key, value, "a string")
    return value


def optional_text(holder: dict[str, Any], key: str) -> str | None:
    """A string, or None where the key is absent or null. Raises ContractError."""
    return None if holder.get(key) is None else text(holder, key)


def boolean(holder: dict[str, Any], key: str, default: bool = False) -> bool:
    """True or false; `default` where the key is absent or null. Raises ContractError."""
    value = holder.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        refuse(key, value, "true or false")
    return value


def optional_count(holder: dict[str, Any], key: str) -> int | None:
    """An integer of at least 0, or None where it is absent or null. Raises ContractError."""
    value = holder.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        refuse(key, value, "an integer of at least 0")
    return value


def version(holder: dict[str, Any], wanted: int) -> None:
    """Raise ContractError unless the document has this version."""
    if holder.get("version") != wanted or isinstance(holder.get("version"), bool):
        refuse("version", holder.get("version"), str(wanted))
