"""Fixtures of the V2 tests: every engine runs once a session, three processes beside each other."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hack.pair.variants import eagle
from tests.engines.v2.engine import DEEPEST, PAIR, REPOSITORY, engine, run, speculative

METHODS = ("draft_model", "eagle", "ngram", "ngram_gpu")
FIRST = ("draft_model", "eagle", "ngram")
"""The methods that V1 has on a CPU, and that take a K of each step there."""
ALL = list(range(DEEPEST + 1))


def phases(flips: int) -> list[dict[str, Any]]:
    """K fixed, K flipped at every step, a crowd, constrained requests bypassed and drafted for."""
    return [
        *({"name": f"k{k}", "depths": [k], "requests": 3, "tokens": 10} for k in (0, 1, 3, 5)),
        {"name": "flips", "depths": ALL, "requests": 2, "tokens": flips},
        {"name": "crowd", "depths": ALL, "requests": 8, "tokens": 24, "seed": 2},
        {"name": "bypassed", "depths": ALL, "requests": 4, "tokens": 24, "constrained": True},
        {
            "name": "allowed", "depths": ALL, "requests": 4, "tokens": 24, "constrained": True,
            "policy": "Allow", "seed": 3,
        },
    ]  # fmt: skip


FLIPS = 120
LONG = {"name": "long", "depths": ALL, "requests": 2, "tokens": 200, "seed": 4}
FAULTY = [
    {"name": "k0", "depths": [0], "requests": 2, "tokens": 8},
    {"name": "deep", "depths": [5], "requests": 6, "tokens": 16},
    {"name": "flips", "depths": [0, 0, 0, 3], "requests": 4, "tokens": 32},
]
"""The second fills the KV cache: old entries show a hole in it better than none."""
FAULTS = (
    "every_draft_is_accepted",
    "hole_in_the_drafts_cache",
    "vllms_own_table_stays_in_force",
    "the_wish_is_counted",
    "all_drafts_are_made",
)


@pytest.fixture(scope="session")
def eagle_head(vllm_environment: Path) -> Path:
    """The tiny pair's EAGLE head; made on first use, in seconds."""
    target, prompts = PAIR / "target", PAIR / "prompts"
    head = eagle.find(target, prompts)
    if head is None:
        command = [sys.executable, "-m", "hack.pair", "eagle"]
        subprocess.run(command, check=True, cwd=REPOSITORY, capture_output=True)
        head = eagle.find(target, prompts)
    assert head is not None
    return head


@pytest.fixture(scope="session")
def reports(
    vllm_environment: Path, eagle_head: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Reports of all engines, by runner (`v1`, `v2`, `v2-async`, `faults`) and by method."""

    def of(method: str, **changes: Any) -> dict[str, Any]:
        changes.setdefault("phases", phases(FLIPS))
        return engine(speculative(method, eagle_head), **changes)

    first = {name: of(name, phases=[*phases(FLIPS), LONG]) for name in ("none", *FIRST)}
    whole = {"faultless": of("draft_model", phases=FAULTY)}
    faults = {name: of("draft_model", phases=FAULTY, fault=name) for name in FAULTS}
    runs: dict[str, tuple[bool, dict[str, Any]]] = {
        "v2": (True, {name: of(name) for name in METHODS}),
        "v2-async": (True, {name: of(name, asynchronous=True) for name in METHODS}),
        "v1": (False, first | whole),
        "faults": (True, faults),
    }
    folder = tmp_path_factory.mktemp("v2")
    with ThreadPoolExecutor(3) as pool:
        began = {
            name: pool.submit(run, vllm_environment, folder / name, second, engines)
            for name, (second, engines) in runs.items()
        }
        return {name: one.result() for name, one in began.items()}
