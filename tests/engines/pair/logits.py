"""Runs inside the engine's environment: prints the greatest difference of two models' logits.

Arguments: two model folders. Every token is looked up by its text in the second model's tokenizer,
so that both read the same words whatever their ids.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

ROWS, TOKENS = 8, 64


def vocabulary(folder: Path) -> dict[str, int]:
    ids: dict[str, int] = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    return ids


def main(first: Path, second: Path) -> None:
    """Print the difference, zero only for models that say exactly the same."""
    ours, theirs = vocabulary(first), vocabulary(second)
    moved = torch.zeros(len(ours), dtype=torch.long)
    for text, number in ours.items():
        moved[number] = theirs[text]
    models = [
        LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        for folder in (first, second)
    ]
    ids = torch.randint(len(ours), (ROWS, TOKENS), generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        before = models[0](ids).logits
        after = models[1](moved[ids]).logits[..., moved]
    print((before - after).abs().max().item())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
