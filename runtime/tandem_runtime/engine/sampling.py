"""From logits to the distribution that a request asked for, and a draw from it.

All rows of a step are computed together. A draw is the inverse of the cumulative distribution at
one uniform number of the request's own generator, so that a seed gives the same draws on any
device.
"""

from __future__ import annotations

from collections.abc import Sequence as Listed

import torch

from tandem_runtime.engine.sequence import SamplingParams, Sequence


def adjust(logits: torch.Tensor, sequence: Sequence, draft: list[int]) -> None:
    """Apply bias, penalties and grammar in place to the rows of one request.

    `logits` is (len(draft) + 1, vocabulary): row i follows the request's tokens and i drafts.
    """
    params = sequence.params
    if params.penalizes:
        _penalize(logits, sequence, draft)
    if params.logit_bias:
        tokens = torch.tensor(list(params.logit_bias), device=logits.device)
        values = torch.tensor(list(params.logit_bias.values()), device=logits.device)
        logits[:, tokens] += values
    if sequence.grammar is not None:
        sequence.grammar.mask(logits, draft)


def adjusts(sequence: Sequence) -> bool:
    """Whether `adjust` would do anything."""
    params = sequence.params
    return params.penalizes or bool(params.logit_bias) or sequence.grammar is not None


def _penalize(logits: torch.Tensor, sequence: Sequence, draft: list[int]) -> None:
    """Penalties as OpenAI defines presence and frequency, and CTRL (1909.05858) repetition."""
    params = sequence.params
    device, vocabulary = logits.device, logits.shape[-1]
    output = torch.tensor(sequence.tokens[sequence.prompt_tokens :], dtype=torch.long)
    counts = torch.bincount(output, minlength=vocabulary).to(device)
    seen = counts > 0
    seen[torch.tensor(sequence.tokens[: sequence.prompt_tokens], device=device)] = True
    for row in range(len(draft) + 1):
        if row:
            counts[draft[row - 1]] += 1
            seen[draft[row - 1]] = True
        here = logits[row]
        scaled = torch.where(
            here > 0, here / params.repetition_penalty, here * params.repetition_penalty
        )
        here.copy_(torch.where(seen, scaled, here))
        here -= params.frequency_penalty * counts + params.presence_penalty * (counts > 0)


def distribution(logits: torch.Tensor, params: Listed[SamplingParams]) -> torch.Tensor:
    """Probabilities by row, float64, after temperature, min-p, top-k and top-p in this order.

    None of the parameters is greedy. Ties at the border of top-p go by the sorting's order.
    """
    device = logits.device

    def column(values: list[float]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float64, device=device).unsqueeze(1)

    warm = logits.double() / column([one.temperature for one in params])
    if any(one.min_p > 0 for one in params):
        odds = (warm - warm.amax(-1, keepdim=True)).exp()
        warm = warm.masked_fill(odds < column([one.min_p for one in params]), -torch.inf)
    if any(one.top_k > 0 or one.top_p < 1 for one in params):
        ordered, places = warm.sort(dim=-1, descending=True)
        rank = torch.arange(warm.shape[-1], device=device)
        ordered = ordered.masked_fill(
            rank >= column([one.top_k or warm.shape[-1] for one in params]), -torch.inf
        )
        chances = ordered.softmax(-1)
        before = chances.cumsum(-1) - chances
        # The likeliest token always stays.
        cut = (before >= column([one.top_p for one in params])) & (rank > 0)
        warm = torch.empty_like(warm).scatter_(-1, places, ordered.masked_fill(cut, -torch.inf))
    return warm.softmax(-1)


def draw(chances: torch.Tensor, uniforms: list[float]) -> list[int]:
    """One token a row from weights that need not sum to 1; each row's sum is above 0."""
    cumulative = chances.cumsum(-1)
    at = torch.tensor(uniforms, dtype=cumulative.dtype, device=cumulative.device).unsqueeze(1)
    places = torch.searchsorted(cumulative, at * cumulative[:, -1:], right=True).squeeze(1)
    # Rounding may lead past the last token that has a chance at all.
    last = (cumulative < cumulative[:, -1:]).sum(-1)
    return torch.minimum(places, last).tolist()  # type: ignore[no-any-return]
