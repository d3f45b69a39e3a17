"""Writes the prompt files beside the pair: text that neither model was trained on, by kind."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

from hack.pair.corpus import Corpus

PROMPTS_PER_KIND = 64
_PROMPT_CHARACTERS = 240


def write_prompts(corpus: Corpus, folder: Path) -> None:
    """Write code.jsonl and prose.jsonl, one `{"prompt": text}` a line."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, documents in (("code", corpus.held_out_code), ("prose", corpus.held_out_prose)):
        prompts = _cut(documents)
        (folder / f"{kind}.jsonl").write_text(
            "".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts)
        )


def _cut(documents: Sequence[str]) -> list[str]:
    """Pieces that begin with a line; raises ValueError when the documents are too short."""
    pieces = {
        document[match.end() : match.end() + _PROMPT_CHARACTERS]
        for document in documents
        for match in re.finditer("\n", document[:-_PROMPT_CHARACTERS])
    }
    return random.Random(11).sample(sorted(pieces), PROMPTS_PER_KIND)
