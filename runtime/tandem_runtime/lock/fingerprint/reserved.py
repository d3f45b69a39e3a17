"""Names of tokens that a vocabulary keeps free for later use.

A name alone proves nothing: ordinary words hold "reserved" too. Whoever asks must also know that
the token stands beside the learned vocabulary on both sides.
"""

from __future__ import annotations

import re

_FAMILIES = re.compile(
    r"<\|reserved_(?:special_)?token_\d+\|>"
    r"|<\|reserved_\d+\|>"
    r"|<unused_?\d+>|\[unused\d+\]"
    r"|\[control_\d+\]"
    r"|<SPECIAL_\d+>"
    r"|<\|placeholder\d+\|>"
    r"|<\|extra_\d+\|>|<extra_id_\d+>"
    r"|<[|｜]place▁holder▁no▁\d+[|｜]>"
)


def is_reserved_name(content: bytes) -> bool:
    """Whether the whole text is one of the known reserved names."""
    return _FAMILIES.fullmatch(content.decode("utf-8", "replace")) is not None
