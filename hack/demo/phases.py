"""The four loads of the demo, and the same ones again without speculation."""

from __future__ import annotations

import json
from pathlib import Path

from hack.demo.load import Phase

PROMPTS = Path(__file__).parents[2] / "examples" / "tiny-pair" / "prompts"

ONE = "one client"
SIXTEEN = "sixteen clients"
MIXED = "low acceptance"
ONE_AGAIN = "one client again"


def prompts(kind: str) -> list[str]:
    """Prompts of one kind (`prose` or `code`), in the order of their file."""
    lines = (PROMPTS / f"{kind}.jsonl").read_text().splitlines()
    return [json.loads(line)["prompt"] for line in lines]


def tuned_phases(easy: str, hard: str) -> tuple[Phase, ...]:
    """What the tuner has to follow; `easy` and `hard` name kinds of prompts by acceptance."""
    return (
        Phase(ONE, 1, prompts(easy), 25),
        Phase(SIXTEEN, 16, prompts(easy), 30),
        Phase(MIXED, 2, prompts(hard), 40, temperature=1.0),
        Phase(ONE_AGAIN, 1, prompts(easy), 45),
    )


def off_phases(easy: str, hard: str) -> tuple[Phase, ...]:
    """The baselines: shorter, because nothing has to be followed."""
    return (
        Phase(f"{ONE} (off)", 1, prompts(easy), 15),
        Phase(f"{SIXTEEN} (off)", 16, prompts(easy), 15),
        Phase(f"{MIXED} (off)", 2, prompts(hard), 15, temperature=1.0),
    )
