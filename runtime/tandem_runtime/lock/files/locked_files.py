"""Which files the lock covers: those of tokenizer and configuration, never weights."""

from __future__ import annotations

from tandem_runtime.lock.files.folder import ModelFolder

NAMES = (
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "config.json",
    "generation_config.json",
    "merges.txt",
    "params.json",
    "special_tokens_map.json",
    "spiece.model",
    "tekken.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)
SUFFIXES = (".tiktoken",)
_TOKENIZERS = (
    "spiece.model", "tekken.json", "tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt",
)  # fmt: skip


def covers(name: str) -> bool:
    """Whether a file of this name, at the top level, is covered."""
    return name in NAMES or name.endswith(SUFFIXES)


def is_tokenizer(name: str) -> bool:
    """Whether a file of this name holds a vocabulary."""
    return name in _TOKENIZERS or name.endswith(SUFFIXES)


def digests(folder: ModelFolder) -> dict[str, str]:
    """Hexadecimal SHA-256 of every covered file, by name. Raises RefusedError."""
    return {name: folder.digest(name) for name in folder.names if covers(name)}
