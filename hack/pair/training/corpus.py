"""The text that the tiny pair learns: Python's own standard library, as Debian ships it.

Two kinds, so that the draft can be good at one and poor at the other: `code` (the modules) and
`prose` (the language reference that `help()` prints). Both are under the PSF licence.
"""

from __future__ import annotations

import ast
import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

STANDARD_LIBRARY = Path("/usr/lib/python3.11")
_TOPICS = "pydoc_data/topics.py"
_SKIPPED_FOLDERS = ("config-", "__pycache__")
_HELD_OUT_SHARE = 0.02


@dataclass(frozen=True)
class Corpus:
    """Documents by kind; the held-out ones are never trained on and give the prompts."""

    code: tuple[str, ...]
    prose: tuple[str, ...]
    held_out_code: tuple[str, ...]
    held_out_prose: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over all documents in order: says whether two trainings saw the same text."""
        sha = hashlib.sha256()
        for part in (self.code, self.prose, self.held_out_code, self.held_out_prose):
            for document in part:
                sha.update(document.encode() + b"\0")
        return sha.hexdigest()


def read_corpus(root: Path = STANDARD_LIBRARY) -> Corpus:
    """Read and split it; the same files give the same corpus. Raises FileNotFoundError."""
    topics = root / _TOPICS
    if not topics.exists():
        raise FileNotFoundError(f"{topics} is missing: apt-get install python3 (Debian 12)")
    modules = [
        path
        for path in sorted(root.rglob("*.py"))
        if path != topics and not any(part.startswith(_SKIPPED_FOLDERS) for part in path.parts)
    ]
    code = [path.read_text(encoding="utf-8", errors="ignore") for path in modules]
    prose = _topics(topics.read_text(encoding="utf-8"))
    code, held_out_code = _split([text for text in code if len(text) > 500])
    prose, held_out_prose = _split([text for text in prose if len(text) > 500])
    return Corpus(tuple(code), tuple(prose), tuple(held_out_code), tuple(held_out_prose))


def _topics(source: str) -> list[str]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign):
            values: dict[str, str] = ast.literal_eval(node.value)
            # The same section can stand under several names.
            return sorted(set(values.values()))
    raise ValueError(f"no dictionary of topics in {_TOPICS}")


def _split(documents: list[str]) -> tuple[list[str], list[str]]:
    shuffled = documents.copy()
    random.Random(7).shuffle(shuffled)
    held_out = max(8, round(len(shuffled) * _HELD_OUT_SHARE))
    return shuffled[held_out:], shuffled[:held_out]
