"""Trains the tiny pair: the target on the corpus, then the draft on what the target says.

Steps and seeds are fixed, so the same machine makes the same files again. The draft sees code
only: on prose its guesses are poor, and a load can be steered from high to low acceptance.
Runs inside the engine's environment (torch, transformers); `python -m hack.pair train` calls it.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import LlamaForCausalLM

from hack.pair.batches import random_windows, token_stream
from hack.pair.corpus import Corpus, read_corpus
from hack.pair.descent import Descent
from hack.pair.distil import distil_draft
from hack.pair.shape import round_to_half, save_model, target_config
from hack.pair.tokenizer import save_tokenizer, train_tokenizer

SEQUENCE_TOKENS = 256
BATCH_SEQUENCES = 16
PROSE_REPEATS = 2


def train_pair(folder: Path, target_steps: int, draft_steps: int) -> None:
    """Write `target/` and `draft/` under the folder."""
    torch.manual_seed(0)
    corpus = read_corpus()
    print(
        f"corpus {corpus.digest[:16]}: {len(corpus.code)} modules, {len(corpus.prose)} topics",
        flush=True,
    )
    tokenizer = train_tokenizer([*corpus.code, *corpus.prose])
    target = _train_target(tokenizer, corpus, target_steps)
    save_tokenizer(tokenizer, folder / "target")
    save_model(target, folder / "target")
    draft = distil_draft(target, token_stream(tokenizer, corpus.code), draft_steps)
    save_tokenizer(tokenizer, folder / "draft")
    save_model(draft, folder / "draft")


def _train_target(tokenizer: Tokenizer, corpus: Corpus, steps: int) -> LlamaForCausalLM:
    """Next-token training on code and prose; the weights come back rounded to float16."""
    stream = token_stream(tokenizer, [*corpus.code, *corpus.prose * PROSE_REPEATS])
    print(f"target sees {steps * BATCH_SEQUENCES * SEQUENCE_TOKENS} of {len(stream)} tokens")
    model = LlamaForCausalLM(target_config()).train()
    descent = Descent(model, steps, peak_rate=3e-3, name="target")
    for step in range(steps):
        batch = random_windows(stream, BATCH_SEQUENCES, SEQUENCE_TOKENS + 1, seed=step)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(batch[:, :-1], use_cache=False).logits
        descent.step(functional.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten()))
    round_to_half(model)
    return model.eval()
