"""What must be true of an engine's steps: pure functions over what `inside/probe.py` wrote down.

Each gives what is wrong, in words that a failing test prints; an empty list is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

Phase = dict[str, Any]
Step = dict[str, Any]


def other_texts(phase: Phase, reference: Phase) -> list[str]:
    """Requests whose tokens are not the reference's."""
    pairs = zip(phase["tokens"], reference["tokens"], strict=True)
    return [f"request {n}: {a} for {b}" for n, (a, b) in enumerate(pairs) if a != b]


def verified(step: Step) -> int:
    """K that a step verified: the most drafts that one of its requests had."""
    return max(step["verified"].values(), default=0)


def contradictions(phase: Phase, sparse: bool = False) -> list[str]:
    """Steps that the plugin shows or counts under another K than they verified.

    A `sparse` drafter finds fewer drafts than it is asked for: its steps are those of what was
    asked of it.
    """
    wrong, before, drafting = [], _cells(phase["steps"][0]), 0
    for number, step in enumerate(phase["steps"]):
        depth = min(drafting, step["table"]) if sparse else verified(step)
        after, drafting = _cells(step), step["drafting"]
        if step["decoding"] and step["current"] != depth:
            wrong.append(f"step {number} is one of K={depth}, current_tokens is {step['current']}")
        counted = [key[1] for key, steps in after.items() if steps != before.get(key, 0)]
        if number and any(one != depth for one in counted):
            wrong.append(f"step {number} is one of K={depth} and is in the cell of {counted}")
        before = after
    return wrong


def off_the_table(phase: Phase, budget: int, sparse: bool = False) -> list[str]:
    """Requests that verified more or fewer drafts than the table says.

    That is what the table said when their drafts were made, or less if it says less now. Fewer may
    come where a grammar rejects drafts, where a step is full, and of a `sparse` drafter.
    """
    wrong = []
    for number, step, name, expected in _expectations(phase):
        got = step["verified"].get(name, 0)
        exact = not (sparse or name in step["constrained"] or step["tokens"] >= budget)
        if got > expected or (exact and got != expected):
            wrong.append(f"step {number}: request {name} verified {got} for {expected}")
    return wrong


def never_made(phase: Phase) -> list[str]:
    """Requests that verified more drafts than the drafter had made for them."""
    wrong, made = [], dict[str, int]()
    for number, step in enumerate(phase["steps"]):
        for name, count in step["verified"].items():
            if count > made.get(name, 0):
                wrong.append(f"step {number}: request {name} verified {count} of {made.get(name)}")
        made |= step.get("drafted", {})
    return wrong


def other_passes(phase: Phase, passes: Callable[[int], int]) -> list[str]:
    """Steps in which the drafter ran another number of forward passes than K asks for."""
    return [
        f"step {number} drafts {step['drafting']} in {step['draft_forwards']} passes"
        for number, step in enumerate(phase["steps"])
        if step["draft_forwards"] != passes(step["drafting"])
    ]


def totals(phase: Phase) -> tuple[int, int]:
    """Drafts verified and accepted: they say whether the drafter saw all that it should."""
    steps = phase["steps"]
    accepted = sum(step["sampled"][name] - 1 for step in steps for name in step["verified"])
    return sum(sum(step["verified"].values()) for step in steps), accepted


def preempted(phase: Phase) -> int:
    """Requests that had to begin again."""
    return sum(len(step["preempted"]) for step in phase["steps"])


def flips(phase: Phase) -> int:
    """Steps for which the table had just changed K."""
    depths = [step["table"] for step in phase["steps"]]
    return sum(a != b for a, b in pairwise(depths))


def _expectations(phase: Phase) -> Iterator[tuple[int, Step, str, int]]:
    """For each decoding request of each step the drafts that it should verify."""
    made: dict[str, int] = {}
    for number, step in enumerate(phase["steps"]):
        for name in step["preempted"]:
            made.pop(name, None)
        for name in step["requests"]:
            if name in made:
                bypassed = name in step["constrained"] and phase["policy"] == "Bypass"
                yield number, step, name, 0 if bypassed else min(made[name], step["table"])
        for name in step["requests"]:
            if step["sampled"].get(name):
                made[name] = step["drafting"]
            else:
                made.pop(name, None)


def _cells(step: Step) -> dict[tuple[int, int, int], float]:
    return {(edge, depth, prefill): steps for edge, depth, prefill, steps in step["cells"]}
