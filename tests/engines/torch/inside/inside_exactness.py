"""Speculation never changes a greedy token, whatever K, drafter, load and luck.

Covered: random mixes against the engine alone and without speculation; against transformers; each
architecture and rotary scaling against transformers; requests that are preempted.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
import pair
from pair import DEEPEST, Knob, engine, finish, greedy, output, random_prompt

MIXES = int(os.environ.get("TANDEM_TORCH_MIXES", "12"))
PROMPTS = int(os.environ.get("TANDEM_TORCH_PROMPTS", "10"))


@pytest.fixture(scope="module")
def alone() -> Any:
    """What the engine says to a prompt when nothing else runs and nothing is drafted."""
    made = engine(None)
    known: dict[tuple[int, ...], list[int]] = {}

    def say(prompt: list[int], tokens: int) -> list[int]:
        have = known.get(tuple(prompt), [])
        if len(have) < tokens:
            sequence = greedy("alone", prompt, tokens)
            made.add(sequence)
            finish(made)
            have = known[tuple(prompt)] = output(sequence)
        return have[:tokens]

    return say


@pytest.mark.parametrize("seed", range(MIXES))
def test_a_random_mix_says_what_each_request_says_alone(seed: int, alone: Any) -> None:
    draws = random.Random(seed)
    knob = Knob()
    knob.turn(draws.randint(0, DEEPEST))
    made = engine(
        draws.choice(sorted(pair.METHODS)),
        knob,
        # From scarce, so that requests are preempted, to plenty; prompts whole and in chunks.
        kv_cache_bytes=draws.choice([3, 6, 32]) << 20,
        max_requests=draws.choice([2, 5, 12]),
        max_batch_tokens=draws.choice([100, 128, 600]),
    )
    arrivals = [
        greedy(str(number), random_prompt(draws), draws.randint(1, 40))
        for number in range(draws.randint(3, 14))
    ]
    sequences = list(arrivals)
    gone = set()
    steps = 0
    while arrivals or made.busy:
        while arrivals and draws.random() < 0.3:
            made.add(arrivals.pop())
        if made.scheduler.running and draws.random() < 0.02:
            victim = draws.choice(made.scheduler.running)
            made.cancel(victim)
            gone.add(victim.name)
        if draws.random() < 0.25:
            knob.turn(draws.randint(0, DEEPEST))
        made.step()
        steps += 1

    assert made.pool.used == 0
    for sequence in sequences:
        expected = alone(sequence.tokens[: sequence.prompt_tokens], sequence.params.max_tokens)
        if sequence.name in gone:
            expected = expected[: sequence.output_tokens]
        assert output(sequence) == expected, f"request {sequence.name} after {steps} steps"


@pytest.mark.parametrize("method", sorted(pair.METHODS))
def test_more_than_one_token_a_step_comes_of_it(method: str) -> None:
    knob = Knob()
    knob.turn(4)
    made = engine(method, knob)
    sequence = greedy("one", pair.prompts()[0], 40)
    made.add(sequence)
    steps = 0
    while made.busy:
        made.step()
        steps += 1

    assert steps < 40


def test_a_pool_too_small_for_all_preempts_and_still_says_the_same(alone: Any) -> None:
    knob = Knob()
    knob.turn(3)
    made = engine("draft_model", knob, kv_cache_bytes=5 << 19, max_requests=8, max_model_tokens=400)
    sequences = [greedy(str(n), pair.prompts()[n][:60], 200) for n in range(8)]
    for sequence in sequences:
        made.add(sequence)
    finish(made)

    assert made.scheduler.preemptions > 0
    for sequence in sequences:
        assert output(sequence) == alone(sequence.tokens[: sequence.prompt_tokens], 200)


def test_transformers_says_the_same_to_every_prompt() -> None:
    from transformers import LlamaForCausalLM

    reference = LlamaForCausalLM.from_pretrained(pair.PAIR / "target", dtype=torch.float32).eval()
    knob = Knob()
    knob.turn(5)
    made = engine("draft_model", knob)
    chosen = pair.prompts()[:PROMPTS]
    sequences = [greedy(str(n), prompt[:200], 32) for n, prompt in enumerate(chosen)]
    for sequence in sequences:
        made.add(sequence)
    finish(made)

    for sequence in sequences:
        prompt = torch.tensor([sequence.tokens[: sequence.prompt_tokens]])
        generated = reference.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=32, do_sample=False,
            eos_token_id=None, pad_token_id=0,
        )  # fmt: skip
        assert output(sequence) == generated[0, prompt.shape[1] :].tolist()


_ROPES: dict[str, dict[str, Any]] = {
    "default": {"rope_type": "default"},
    "linear": {"rope_type": "linear", "factor": 4.0},
    "llama3": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    },
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
}  # fmt: skip


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("rope", sorted(_ROPES))
@pytest.mark.parametrize("family", ["Llama", "Mistral", "Qwen2", "Qwen3"])
def test_logits_are_those_of_transformers(
    family: str, rope: str, tied: bool, tmp_path: Path
) -> None:
    import transformers

    from tandem_runtime.engine.batch import Piece, lay_out
    from tandem_runtime.engine.kv_cache import KVCache
    from tandem_runtime.engine.transformer.weights import load

    torch.manual_seed(1)
    config = getattr(transformers, f"{family}Config")(
        vocab_size=97, hidden_size=48, intermediate_size=80, num_hidden_layers=3,
        num_attention_heads=6, num_key_value_heads=2, head_dim=8, max_position_embeddings=256,
        tie_word_embeddings=tied, rope_parameters={"rope_theta": 5000.0, **_ROPES[rope]},
        **({"sliding_window": None} if family == "Mistral" else {}),
        **({"attention_bias": True} if family == "Llama" and tied else {}),
    )  # fmt: skip
    reference = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    with torch.no_grad():
        for weight in reference.parameters():
            weight.copy_(torch.randn_like(weight) * 0.2)
    reference.save_pretrained(tmp_path)
    model = load(tmp_path, torch.float32, torch.device("cpu"))
    tokens = torch.randint(0, 97, (150,)).tolist()
    cache = KVCache(model.config, 12, model.dtype, model.device)
    blocks = [7, 2, 9, 0, 4, 11, 1, 3, 10, 5]

    # In two chunks, so that the second reads what the first wrote.
    states = [
        model.hidden(lay_out([Piece(part, start, blocks)], model.dtype, model.device), cache)
        for part, start in ((tokens[:67], 0), (tokens[67:], 67))
    ]
    ours = model.logits(torch.cat(states))

    with torch.no_grad():
        theirs = reference(torch.tensor([tokens])).logits[0]
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
