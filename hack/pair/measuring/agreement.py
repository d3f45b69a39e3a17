"""How much of the target's own greedy text the draft would have guessed. Called by the prompts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from hack.pair.training.tokenizer import END_OF_TEXT_ID

_NEW_TOKENS = 64
_BATCH = 128


def agreement(pair: Path, prompts: Sequence[str]) -> list[float]:
    """Share of tokens on which both agree, 0 to 1, for each prompt."""
    tokenizer = Tokenizer.from_file(str(pair / "target" / "tokenizer.json"))
    tokenizer.enable_padding(direction="left", pad_id=END_OF_TEXT_ID)
    target, draft = (
        LlamaForCausalLM.from_pretrained(pair / name, dtype=torch.float32).eval()
        for name in ("target", "draft")
    )
    shares: list[float] = []
    with torch.inference_mode():
        for start in range(0, len(prompts), _BATCH):
            encodings = tokenizer.encode_batch(list(prompts[start : start + _BATCH]))
            shares += _agreement(
                target,
                draft,
                torch.tensor([encoding.ids for encoding in encodings]),
                torch.tensor([encoding.attention_mask for encoding in encodings]),
            )
    return shares


def _agreement(
    target: LlamaForCausalLM, draft: LlamaForCausalLM, ids: torch.Tensor, mask: torch.Tensor
) -> list[float]:
    generated = target.generate(
        ids,
        attention_mask=mask,
        max_new_tokens=_NEW_TOKENS,
        min_new_tokens=_NEW_TOKENS,
        do_sample=False,
        pad_token_id=END_OF_TEXT_ID,
    )
    full = torch.cat([mask, torch.ones(len(ids), _NEW_TOKENS, dtype=mask.dtype)], dim=1)
    positions = (full.cumsum(1) - 1).clamp(min=0)
    guessed = draft(generated, attention_mask=full, position_ids=positions, use_cache=False).logits
    right = guessed[:, -_NEW_TOKENS - 1 : -1].argmax(-1) == generated[:, -_NEW_TOKENS:]
    shares: list[float] = right.float().mean(1).tolist()
    return shares
