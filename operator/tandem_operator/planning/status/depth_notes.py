"""Depths that a spec asks for and the engine was not started with: what is taken instead.

An engine has graphs for its tiers alone, so every K is one of them; nothing is taken down unsaid.
"""

from __future__ import annotations

from tandem_operator.api.spec import Spec
from tandem_operator.engines.tiers import taken_down


def messages(spec: Spec, tiers: tuple[int, ...]) -> tuple[str, ...]:
    """One sentence for each depth of the spec that is no tier; none where K cannot change."""
    if len(tiers) < 2:
        return ()
    asked = {
        "speculation.maxTokens": spec.speculation.max_tokens,
        "speculation.initialTokens": spec.speculation.initial_tokens,
        "tuning.minTokens": spec.tuning.min_tokens,
        "tuning.maxTokens": spec.tuning.max_tokens,
        **{
            f"tuning.segments[{segment.name}].maxTokens": segment.max_tokens
            for segment in spec.tuning.segments
        },
    }
    listed = ", ".join(map(str, tiers))
    return tuple(
        f"{field} {tokens} is lowered to {taken_down(tokens, tiers)}: K is one of {listed}"
        for field, tokens in asked.items()
        if tokens is not None and tokens not in tiers
    )
