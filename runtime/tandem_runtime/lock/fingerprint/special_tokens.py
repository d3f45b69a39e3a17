"""Special ids of a model: begin, end, padding, unknown, and the ids that end generation.

Names of the facts: bos, eos, pad, unk (id, or null for none), addBos, addEos (bool),
generationEos (ascending ids). A fact that no file states is unknown, never equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.fingerprint.tokenizer import Tokenizer

TOKENS = ("bos", "eos", "pad", "unk")
NAMES = (*TOKENS, "addBos", "addEos", "generationEos")


@dataclass(frozen=True)
class Configs:
    """The JSON files beside a tokenizer; None where a file does not exist."""

    config: Mapping[str, Any] | None = None
    generation: Mapping[str, Any] | None = None
    tokenizer: Mapping[str, Any] | None = None
    special_tokens: Mapping[str, Any] | None = None


def facts(tokenizer: Tokenizer, configs: Configs) -> dict[str, object]:
    """What is known, by name; unknown facts are left out. Raises RefusedError."""
    known: dict[str, object] = dict(tokenizer.special_tokens)
    if configs.tokenizer is not None or configs.special_tokens is not None:
        for name in TOKENS:
            known[name] = _token_id(f"{name}_token", tokenizer, configs)
    for key, name in (("add_bos_token", "addBos"), ("add_eos_token", "addEos")):
        stated = (configs.tokenizer or {}).get(key)
        if isinstance(stated, bool):
            known[name] = stated
    if configs.config is not None or configs.generation is not None:
        known["generationEos"] = _generation_eos(configs)
    return known


def unknown(known: Mapping[str, object]) -> tuple[str, ...]:
    """Names of the facts that are not known."""
    return tuple(name for name in NAMES if name not in known)


def _token_id(key: str, tokenizer: Tokenizer, configs: Configs) -> int | str | None:
    """The id of the token that the configuration names; its text where the tokenizer lacks it."""
    value: object = None
    for source in (configs.special_tokens, configs.tokenizer):
        stated = (source or {}).get(key)
        value = value if stated is None else stated
    if isinstance(value, Mapping):
        value = value.get("content")
    if value is None:
        return None
    if not isinstance(value, str):
        raise lock_errors.malformed("tokenizer_config.json", f"{key} is {str(value)[:40]}, no text")
    return tokenizer.pieces.get(value, value)


def _generation_eos(configs: Configs) -> list[int] | None:
    for name, config in (
        ("generation_config.json", configs.generation),
        ("config.json", configs.config),
    ):
        value = (config or {}).get("eos_token_id")
        if value is None:
            continue
        listed = value if isinstance(value, list) else [value]
        if not all(type(token_id) is int for token_id in listed):
            raise lock_errors.malformed(name, f"eos_token_id is {str(value)[:40]}")
        return sorted(set(listed))
    return None
