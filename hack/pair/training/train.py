"""Trains the tiny pair: the target on the corpus, then the draft on what the target says.

Steps and seeds are fixed, so the same machine makes the same files again. The draft sees code
only: on prose its guesses are poor, and a load can be steered from high to low acceptance.
Runs inside the engine's environment (torch, transformers), for `python -m hack.pair target` and
`python -m hack.pair draft`.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import LlamaForCausalLM

from hack.pair.training.batches import random_windows, token_stream
from hack.pair.training.corpus import Corpus, read_corpus
from hack.pair.training.distil import distil_draft
from hack.pair.training.distillation_data import make_distillation_data
from hack.pair.training.optimizer import Optimizer
from hack.pair.training.shape import round_to_half, save_model, target_config
from hack.pair.training.tokenizer import save_tokenizer, train_tokenizer

SEQUENCE_TOKENS = 256
BATCH_SEQUENCES = 16
PROSE_REPEATS = 2


def train_target(folder: Path, steps: int) -> None:
    """Write `target/` with the tokenizer under the folder (about ten minutes on two cores)."""
    torch.manual_seed(0)
    corpus = read_corpus()
    print(
        f"corpus {corpus.digest[:16]}: {len(corpus.code)} modules, {len(corpus.prose)} topics",
        flush=True,
    )
    tokenizer = train_tokenizer([*corpus.code, *corpus.prose])
    target = _train_target(tokenizer, corpus, steps)
    save_tokenizer(tokenizer, folder / "target")
    save_model(target, folder / "target")


def train_draft(folder: Path, steps: int) -> None:
    """Write `draft/` beside the finished `target/`, with the same tokenizer."""
    target_folder = folder / "target"
    tokenizer = Tokenizer.from_file(str(target_folder / "tokenizer.json"))
    weights = (target_folder / "model.safetensors").read_bytes()
    target = LlamaForCausalLM.from_pretrained(target_folder, dtype=torch.float32).eval()
    data = make_distillation_data(
        target, sha256(weights).hexdigest(), token_stream(tokenizer, read_corpus().code)
    )
    draft = distil_draft(data, steps)
    save_tokenizer(tokenizer, folder / "draft")
    save_model(draft, folder / "draft")


def _train_target(tokenizer: Tokenizer, corpus: Corpus, steps: int) -> LlamaForCausalLM:
    """Next-token training on code and prose; the weights come back rounded to float16."""
    stream = token_stream(tokenizer, [*corpus.code, *corpus.prose * PROSE_REPEATS])
    print(f"target sees {steps * BATCH_SEQUENCES * SEQUENCE_TOKENS} of {len(stream)} tokens")
    model = LlamaForCausalLM(target_config()).train()
    optimizer = Optimizer(model, steps, peak_rate=3e-3, name="target")
    for step in range(steps):
        batch = random_windows(stream, BATCH_SEQUENCES, SEQUENCE_TOKENS + 1, seed=step)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(batch[:, :-1], use_cache=False).logits
        optimizer.step(
            functional.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten())
        )
    round_to_half(model)
    return model.eval()
