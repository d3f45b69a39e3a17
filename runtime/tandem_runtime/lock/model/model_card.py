"""What the model card (README.md) says a model was made from: `base_model` of its front matter."""

from __future__ import annotations

import os

from tandem_runtime.lock.errors import RefusedError
from tandem_runtime.lock.files.folder import ModelFolder

NAME = "README.md"
MAX_BYTES = 64 << 10
"""How much of a card is read: its front matter stands first."""
_FENCE = "---"
_MAX_BASES = 8
_MAX_NAME = 200


def bases(folder: ModelFolder) -> tuple[str, ...]:
    """Names of the models that the card names, empty where there is no card or it names none.

    A card is a text for people: one that cannot be read says nothing, and refuses nothing.
    """
    if not folder.holds(NAME) or not os.path.lexists(folder.root / NAME):
        return ()
    try:
        with folder.open(NAME) as file:
            text = file.read(MAX_BYTES).decode("utf-8", "replace")
    except RefusedError:
        return ()
    lines = text.splitlines()
    if not lines or lines[0].strip() != _FENCE:
        return ()
    end = next((at for at, line in enumerate(lines[1:], 1) if line.strip() == _FENCE), None)
    return () if end is None else _base_model("\n".join(lines[1:end]))


def _base_model(front: str) -> tuple[str, ...]:
    import yaml

    try:
        document = yaml.safe_load(front)
    except (yaml.YAMLError, ValueError, RecursionError):
        return ()
    declared = document.get("base_model") if isinstance(document, dict) else None
    values = declared if isinstance(declared, list) else [declared]
    names = [each for each in values if isinstance(each, str) and 0 < len(each) <= _MAX_NAME]
    return tuple(names[:_MAX_BASES])
