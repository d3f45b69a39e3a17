"""Which drafted tokens stay, and the one that the target adds: exact whatever the draft is.

Greedy: a draft stays as long as it is what the target would have said. Sampled: speculative
rejection sampling (Leviathan et al., arXiv 2211.17192, appendix A.1; Chen et al., 2302.01318). A
token drawn from q stays with probability min(1, p/q); at the first that does not, the token is
drawn from max(p - q, 0), and where all stay one more is drawn from p. Requests of any number of
drafts are verified together, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence as Listed
from dataclasses import dataclass

import torch

from tandem_runtime.engine.sampling import adjust, adjusts, distribution, draw
from tandem_runtime.engine.sequence import Sequence, TokenLogprobs


@dataclass(frozen=True)
class Draft:
    """Proposed tokens and the distributions that they were drawn from, (tokens, vocabulary).

    None: the drafter had no doubt, and q is 1 at its token.
    """

    tokens: list[int]
    chances: torch.Tensor | None = None

    def cut(self, count: int) -> Draft:
        """The first `count` tokens."""
        if count >= len(self.tokens):
            return self
        return Draft(self.tokens[:count], None if self.chances is None else self.chances[:count])


NO_DRAFT = Draft([])


@dataclass(frozen=True)
class Verdict:
    """Tokens that a request is given: the drafts that stayed, then the target's own."""

    tokens: list[int]
    logprobs: list[TokenLogprobs] | None = None


def verify(
    logits: torch.Tensor, sequences: Listed[Sequence], drafts: Listed[Draft]
) -> list[Verdict]:
    """The verdicts; `logits` has for each request its drafts' rows and one more, end to end.

    Row i of a request is the target's answer after its tokens and i of its drafts.
    """
    firsts = [0]
    for draft in drafts:
        firsts.append(firsts[-1] + len(draft.tokens) + 1)
    wants_logprobs = [sequence.params.logprobs is not None for sequence in sequences]
    raw = logits.log_softmax(-1) if any(wants_logprobs) else None
    for sequence, draft, first in zip(sequences, drafts, firsts, strict=False):
        if adjusts(sequence):
            adjust(logits[first : first + len(draft.tokens) + 1], sequence, draft.tokens)
    given: list[list[int]] = [[] for _ in sequences]
    if any(sequence.params.greedy for sequence in sequences):
        likeliest = logits.argmax(-1).tolist()
        for index, sequence in enumerate(sequences):
            if sequence.params.greedy:
                given[index] = _greedy(drafts[index].tokens, likeliest[firsts[index] :])
    sampled = [index for index, sequence in enumerate(sequences) if not sequence.params.greedy]
    if sampled:
        _sample(logits, sequences, drafts, firsts, sampled, given)
    return [
        Verdict(
            given[index],
            _logprobs(raw[first:], given[index], sequences[index].params.logprobs or 0)
            if raw is not None and wants_logprobs[index]
            else None,
        )
        for index, first in enumerate(firsts[:-1])
    ]


def _greedy(draft: list[int], likeliest: list[int]) -> list[int]:
    stays = 0
    while stays < len(draft) and draft[stays] == likeliest[stays]:
        stays += 1
    return likeliest[: stays + 1]


def _sample(
    logits: torch.Tensor,
    sequences: Listed[Sequence],
    drafts: Listed[Draft],
    firsts: list[int],
    sampled: list[int],
    given: list[list[int]],
) -> None:
    """Fill `given` for the requests `sampled`."""
    rows = [row for index in sampled for row in range(firsts[index], firsts[index + 1])]
    owners = [sequences[i].params for i in sampled for _ in range(firsts[i], firsts[i + 1])]
    chances = distribution(logits[rows], owners)
    finals, uniforms = [], []
    first = 0
    for index in sampled:
        draft, sequence = drafts[index], sequences[index]
        count = len(draft.tokens)
        own = chances[first : first + count + 1]
        stays = _staying(own, draft, sequence)
        final = own[stays]
        if stays < count:
            token = draft.tokens[stays]
            if draft.chances is None:
                final = final.clone()
                final[token] = 0.0
            else:
                final = (final - draft.chances[stays]).clamp_(min=0.0)
            # Only rounding leaves nothing: p and q were the same.
            if not float(final.sum()):
                final = own[stays]
        given[index] = draft.tokens[:stays]
        finals.append(final)
        uniforms.append(sequence.random.random())
        first += count + 1
    for index, token in zip(sampled, draw(torch.stack(finals), uniforms), strict=True):
        given[index] = [*given[index], token]


def _staying(chances: torch.Tensor, draft: Draft, sequence: Sequence) -> int:
    """How many drafted tokens stay."""
    if not draft.tokens:
        return 0
    tokens = torch.tensor(draft.tokens, device=chances.device).unsqueeze(1)
    target = chances[:-1].gather(1, tokens).squeeze(1).tolist()
    drafted = (
        [1.0] * len(draft.tokens)
        if draft.chances is None
        else draft.chances.gather(1, tokens).squeeze(1).tolist()
    )
    for place, (p, q) in enumerate(zip(target, drafted, strict=True)):
        if sequence.random.random() * q >= p:
            return place
    return len(draft.tokens)


def _logprobs(raw: torch.Tensor, tokens: list[int], most: int) -> list[TokenLogprobs]:
    entries = []
    for row, token in enumerate(tokens):
        values, places = raw[row].topk(most) if most else (raw.new_empty(0), raw.new_empty(0))
        likeliest = tuple(zip(places.tolist(), values.tolist(), strict=True))
        entries.append(TokenLogprobs(token, float(raw[row, token]), likeliest))
    return entries
