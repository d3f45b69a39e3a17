"""Trains a copy of the target for early exit, so that its own first layers can draft.

As LayerSkip (Elhoushi et al., arXiv 2404.16710) does: the head also learns from the state after
the exit, and each layer behind the exit is left out of some steps. The copy is a model of its own:
its texts are not the target's. Runs inside the engine's environment, for
`python -m hack.pair early-exit`.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import LlamaForCausalLM

from hack.pair.training.batches import random_windows, token_stream
from hack.pair.training.corpus import read_corpus
from hack.pair.training.optimizer import Optimizer
from hack.pair.training.shape import round_to_half, save_model
from hack.pair.training.train import BATCH_SEQUENCES, PROSE_REPEATS, SEQUENCE_TOKENS

EXIT_LAYER = 1
LEFT_OUT = 0.1
"""The chance of a layer behind the exit to be left out of a step."""
_FIRST_SEED = 10_000  # behind those of the target's own training


def train_early_exit(target: Path, folder: Path, steps: int) -> None:
    """Write the copy of `target`, with its tokenizer, into `folder`."""
    torch.manual_seed(0)
    corpus = read_corpus()
    tokenizer = Tokenizer.from_file(str(target / "tokenizer.json"))
    stream = token_stream(tokenizer, [*corpus.code, *corpus.prose * PROSE_REPEATS])
    model = LlamaForCausalLM.from_pretrained(target, dtype=torch.float32).train()
    for layer in model.model.layers[EXIT_LAYER:]:
        layer.register_forward_hook(_leave_out)
    optimizer = Optimizer(model, steps, peak_rate=1e-3, name="early exit")
    for step in range(steps):
        batch = random_windows(
            stream, BATCH_SEQUENCES, SEQUENCE_TOKENS + 1, seed=_FIRST_SEED + step
        )
        with torch.autocast("cpu", torch.bfloat16):
            output = model(batch[:, :-1], use_cache=False, output_hidden_states=True)
            early = model.lm_head(model.model.norm(output.hidden_states[EXIT_LAYER]))
        optimizer.step(_loss(output.logits, batch) + _loss(early, batch))
    round_to_half(model)
    folder.mkdir(parents=True, exist_ok=True)
    save_model(model.eval(), folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(target / name, folder / name)


def _loss(logits: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten())


def _leave_out(layer: torch.nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
    """What goes into the layer instead of what comes out, now and then while it learns."""
    return inputs[0] if layer.training and torch.rand(()) < LEFT_OUT else None
