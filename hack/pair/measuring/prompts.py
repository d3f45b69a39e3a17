"""Writes the prompt files beside the pair: text that neither model was trained on, by kind.

`code` is a plain sample. `prose` are the pieces that the draft guesses worst among many, so that a
load of them trips a threshold on acceptance.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

from hack.pair.measuring.agreement import agreement
from hack.pair.training.corpus import Corpus

PROMPTS_PER_KIND = 64
PROSE_CANDIDATES = 384
_PROMPT_CHARACTERS = 240


def write_prompts(corpus: Corpus, pair: Path, folder: Path) -> None:
    """Write code.jsonl and prose.jsonl, one `{"prompt": text}` a line, for the pair in `pair`."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "code.jsonl", _cut(corpus.held_out_code, PROMPTS_PER_KIND))
    candidates = _cut(corpus.held_out_prose, PROSE_CANDIDATES)
    agreed = dict(zip(candidates, agreement(pair, candidates), strict=True))
    _write(folder / "prose.jsonl", sorted(candidates, key=agreed.__getitem__)[:PROMPTS_PER_KIND])


def _write(file: Path, prompts: Sequence[str]) -> None:
    file.write_text("".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts))


def _cut(documents: Sequence[str], count: int) -> list[str]:
    """Pieces that begin with a line; raises ValueError when the documents are too short."""
    pieces = {
        document[match.end() : match.end() + _PROMPT_CHARACTERS]
        for document in documents
        for match in re.finditer("\n", document[:-_PROMPT_CHARACTERS])
    }
    return random.Random(11).sample(sorted(pieces), count)
