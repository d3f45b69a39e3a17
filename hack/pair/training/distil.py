"""Teaches the draft to guess what the target will say. Called by the training alone.

A draft that learned from the corpus agrees with the target on about two tokens of three; one that
learned from the target's own greedy text on many more, because that is what it is asked to guess
when it serves.
"""

from __future__ import annotations

import torch
from torch.nn import functional
from transformers import LlamaForCausalLM

from hack.pair.training.distillation_data import DistillationData
from hack.pair.training.optimizer import Optimizer
from hack.pair.training.shape import draft_config, round_to_half

BATCH_ROWS = 24


def distil_draft(data: DistillationData, steps: int) -> LlamaForCausalLM:
    """Train a draft on the target's choices; its weights come back rounded to float16."""
    torch.manual_seed(0)
    draft = LlamaForCausalLM(draft_config()).train()
    optimizer = Optimizer(draft, steps, peak_rate=4e-3, name="draft")
    for step in range(steps):
        generator = torch.Generator().manual_seed(step)
        picked = torch.randint(len(data.seen), (BATCH_ROWS,), generator=generator)
        logits = draft(data.seen[picked], use_cache=False).logits
        loss = functional.cross_entropy(logits.flatten(0, 1), data.choice[picked].flatten())
        optimizer.step(loss)
    round_to_half(draft)
    return draft.eval()
