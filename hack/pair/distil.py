"""Teaches the draft to guess what the target will say. Called by the training alone.

A draft that learned from the corpus agrees with the target on about two tokens of three; one that
learned from the target's own greedy text on about nine of ten, because that is what it is asked
to guess when it serves.
"""

from __future__ import annotations

import torch
from torch.nn import functional
from transformers import LlamaForCausalLM

from hack.pair.batches import random_windows
from hack.pair.descent import Descent
from hack.pair.shape import draft_config, round_to_half
from hack.pair.tokenizer import END_OF_TEXT_ID

GREEDY_ROWS = 1536
GREEDY_BATCH = 128
GREEDY_PROMPT_TOKENS = 32
GREEDY_NEW_TOKENS = 160
BATCH_OWN = 16
BATCH_CORPUS = 8


def distil_draft(target: LlamaForCausalLM, code: torch.Tensor, steps: int) -> LlamaForCausalLM:
    """Train a draft on the target's greedy continuations of code, and on some code itself.

    `code` is one row of token ids. The weights come back rounded to float16.
    """
    own = _greedy_texts(target, code)
    draft = LlamaForCausalLM(draft_config()).train()
    descent = Descent(draft, steps, peak_rate=4e-3, name="draft")
    for step in range(steps):
        generator = torch.Generator().manual_seed(step)
        picked = own[torch.randint(len(own), (BATCH_OWN,), generator=generator)]
        batch = torch.cat([picked, random_windows(code, BATCH_CORPUS, own.shape[1], seed=step)])
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                wanted = target(batch, use_cache=False).logits.float()
            said = draft(batch, use_cache=False).logits.float()
        descent.step(_disagreement(said, wanted))
    round_to_half(draft)
    return draft.eval()


def _disagreement(said: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Half for the very token that the target would choose, half for its whole distribution."""
    choice = functional.cross_entropy(said.flatten(0, 1), wanted.argmax(-1).flatten())
    shape = functional.kl_div(
        said.log_softmax(-1).flatten(0, 1),
        wanted.log_softmax(-1).flatten(0, 1),
        log_target=True,
        reduction="batchmean",
    )
    return choice + shape


def _greedy_texts(target: LlamaForCausalLM, code: torch.Tensor) -> torch.Tensor:
    prompts = random_windows(code, GREEDY_ROWS, GREEDY_PROMPT_TOKENS, seed=1)
    rows: list[torch.Tensor] = []
    for start in range(0, GREEDY_ROWS, GREEDY_BATCH):
        batch = prompts[start : start + GREEDY_BATCH]
        with torch.no_grad():
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
        print(f"greedy text {start + len(batch)}/{GREEDY_ROWS}", flush=True)
    return torch.cat(rows)
