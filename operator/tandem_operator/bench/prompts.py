"""What the engine is asked: prompts from files, one segment a file, or a few of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

OWN_SEGMENT = "general"
OWN = (
    "Explain how a tide forms, step by step, to somebody who has never seen the sea.",
    "Write a Python function that merges two sorted lists, and say why it is right.",
    "List the months of the year, each with its number of days and one public holiday.",
    "Tell the story of a lighthouse keeper who finds a letter in a bottle.",
    "Summarize what a database index is good for and what it costs.",
    "Translate into French, then explain the grammar: the bread is on the table.",
    "Describe the way from an egg to a butterfly in five short paragraphs.",
    "Compare walking, cycling and driving for a commute of four kilometres.",
)


class PromptsError(ValueError):
    """A file holds no prompts; the message names it, the line and the form that is read."""


def read(named: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Prompts by segment, from ``NAME=FILE`` words; the own prompts without any.

    A file has a prompt a line: JSON objects with a key ``prompt`` (``.jsonl``), or plain text.
    Raises PromptsError, OSError.
    """
    if not named:
        return {OWN_SEGMENT: OWN}
    by_kind: dict[str, tuple[str, ...]] = {}
    for word in named:
        name, separator, file = word.partition("=")
        if not separator or not name or not file:
            raise PromptsError(f"--prompts {word}: give NAME=FILE")
        by_kind[name] = _lines(Path(file))
    return by_kind


def _lines(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise PromptsError(f"{path}: is not text in UTF-8 (byte {problem.start})") from problem
    lines = [line for line in text.splitlines() if line.strip()]
    if path.suffix == ".jsonl":
        lines = [_prompt(path, number, line) for number, line in enumerate(lines, start=1)]
    if not lines:
        raise PromptsError(f"{path}: holds no prompt: give one a line")
    return tuple(lines)


def _prompt(path: Path, number: int, line: str) -> str:
    try:
        document = json.loads(line)
    except ValueError as problem:
        raise PromptsError(f"{path}, prompt {number}: not JSON: {problem}") from problem
    prompt = document.get("prompt") if isinstance(document, Mapping) else None
    if not isinstance(prompt, str) or not prompt:
        raise PromptsError(f'{path}, prompt {number}: needs the form {{"prompt": "..."}}')
    return prompt
