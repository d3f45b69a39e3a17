"""What the draft learns from: the target's own greedy text and what the target would say on code.

Making them is the long half of the distillation, so they are kept by the content they came from
and a training that was cut off goes on from here. Called by the training alone.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

import torch
from transformers import LlamaForCausalLM

from hack.pair.training.batches import random_windows
from hack.pair.training.tokenizer import END_OF_TEXT_ID
from hack.vllm.environment import cache_folder

GREEDY_ROWS = 1024
GREEDY_BATCH = 256
GREEDY_PROMPT_TOKENS = 32
GREEDY_NEW_TOKENS = 128
CORPUS_ROWS = 384
_RECIPE = b"1"  # counts changes of what is made that the sizes do not show


@dataclass(frozen=True)
class DistillationData:
    """Token ids and the target's choice after each, both of shape (rows, tokens)."""

    seen: torch.Tensor
    choice: torch.Tensor


def make_distillation_data(
    target: LlamaForCausalLM, target_digest: str, code: torch.Tensor
) -> DistillationData:
    """Lessons from code, one row of token ids; read from the cache when they are there."""
    file = cache_folder() / "pair" / f"lessons-{_digest(target_digest, code)}.pt"
    if not file.exists():
        corpus = random_windows(code, CORPUS_ROWS, GREEDY_PROMPT_TOKENS + GREEDY_NEW_TOKENS, seed=2)
        with torch.inference_mode():
            seen = torch.cat([_greedy_texts(target, code), corpus])
            choice = torch.cat([_choices(target, rows) for rows in seen.split(32)])
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")
        torch.save({"seen": seen, "choice": choice}, part)
        part.replace(file)
    kept = torch.load(file, weights_only=True)
    return DistillationData(kept["seen"], kept["choice"])


def _digest(target_digest: str, code: torch.Tensor) -> str:
    sizes = (
        GREEDY_ROWS, GREEDY_BATCH, GREEDY_PROMPT_TOKENS, GREEDY_NEW_TOKENS, CORPUS_ROWS
    )  # fmt: skip
    sha = hashlib.sha256(_RECIPE + target_digest.encode() + repr(sizes).encode())
    sha.update(code.numpy().tobytes())
    return sha.hexdigest()[:16]


def _choices(target: LlamaForCausalLM, rows: torch.Tensor) -> torch.Tensor:
    return target(rows, use_cache=False).logits.argmax(-1)


def _greedy_texts(target: LlamaForCausalLM, code: torch.Tensor) -> torch.Tensor:
    prompts = random_windows(code, GREEDY_ROWS, GREEDY_PROMPT_TOKENS, seed=1)
    rows: list[torch.Tensor] = []
    for batch in prompts.split(GREEDY_BATCH):
        rows.append(
            target.generate(
                batch,
                attention_mask=torch.ones_like(batch),
                max_new_tokens=GREEDY_NEW_TOKENS,
                min_new_tokens=GREEDY_NEW_TOKENS,
                do_sample=False,
                pad_token_id=END_OF_TEXT_ID,
            )
        )
        print(f"greedy text {len(rows) * GREEDY_BATCH}/{GREEDY_ROWS}", flush=True)
    return torch.cat(rows)
