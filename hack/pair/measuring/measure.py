"""Says how often the target takes the draft's tokens, by kind: `python -m hack.pair measure`.

The rate is the one of the resource's status: accepted / (accepted + drafts that ended in a
rejection), at drafts of seven tokens, in float32.
"""

from __future__ import annotations

from pathlib import Path

from hack.pair.measuring.bench import DEEPEST, read_prompts, running
from tandem_operator.tuning.acceptance.counts import Drafts

_CONCURRENCY = 4
_NEW_TOKENS = 96


def measure(target: Path, draft: Path, prompts: Path, count: int, temperature: float) -> None:
    """Print one line a kind: rate, accepted tokens a draft, and survival by position."""
    for kind, drafts in drafts_by_kind(target, draft, prompts, count, temperature).items():
        survival = " ".join(f"{share:.2f}" for share in drafts.survival)
        print(
            f"{kind}: acceptance rate {drafts.rate or 0.0:.3f}, "
            f"{drafts.accepted_tokens / drafts.count:.2f} accepted a draft of {DEEPEST}, "
            f"survival {survival}, {drafts.count:.0f} drafts",
            flush=True,
        )


def drafts_by_kind(
    target: Path, draft: Path, prompts: Path, count: int, temperature: float = 0.0
) -> dict[str, Drafts]:
    """What became of the drafts for `count` prompts of each kind that `prompts` holds."""
    by_kind: dict[str, Drafts] = {}
    with running(target, draft) as bench:
        bench.set_tokens(DEEPEST)
        for kind in sorted(file.stem for file in prompts.glob("*.jsonl")):
            texts = read_prompts(prompts, kind)[:count]
            load = bench.drive(texts, _CONCURRENCY, _NEW_TOKENS, temperature)
            by_kind[kind] = Drafts(load.accepted, load.reached)
    return by_kind
