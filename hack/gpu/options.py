"""What is measured and how long. Pure but for reading what a model's folder holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tandem_operator.bench.measure import Times


@dataclass(frozen=True)
class Lengths:
    """How much is measured: of a GPU, or of a dry run."""

    concurrencies: tuple[int, ...]
    kinds: tuple[str, ...]
    """Kinds of prompts by which the tiered engine's steps are measured; others have the first."""
    rounds: int
    times: Times
    new_tokens: int
    crowd: int
    """Clients among whom one is constrained."""
    exact_requests: int
    exact_tokens: int
    sweep_requests: int
    sweep_tokens: int
    """The longest answer of the sweep over batch sizes; the n-th of N requests has n/N of it."""
    tuned: Times
    tuned_rounds: int
    phases: tuple[str, ...]
    max_requests: int
    max_model_tokens: int
    start_limit_s: float
    limit_s: float


GPU = Lengths(
    concurrencies=(1, 4, 16, 64),
    kinds=("code", "prose"),
    rounds=2,
    times=Times(5.0, 1.0),
    new_tokens=128,
    crowd=16,
    exact_requests=64,
    exact_tokens=128,
    sweep_requests=64,
    sweep_tokens=448,
    tuned=Times(12.0, 2.0),
    tuned_rounds=2,
    phases=("1-code", "16-code", "16-prose"),
    max_requests=256,
    max_model_tokens=4096,
    start_limit_s=600.0,
    limit_s=2400.0,
)
DRY = Lengths(
    concurrencies=(1, 4),
    kinds=("code",),
    rounds=1,
    times=Times(1.5, 0.3),
    new_tokens=48,
    crowd=16,
    exact_requests=16,
    exact_tokens=48,
    sweep_requests=8,
    sweep_tokens=48,
    tuned=Times(1.5, 0.3),
    tuned_rounds=2,
    phases=("4-mixed",),
    max_requests=32,
    max_model_tokens=1024,
    start_limit_s=240.0,
    limit_s=300.0,
)


@dataclass(frozen=True)
class Options:
    """`arguments` are more words for every `vllm serve`."""

    target: Path
    draft: Path
    method: str
    prompts: Path
    folder: Path
    arguments: tuple[str, ...]
    lengths: Lengths


def content_of(model: Path) -> str:
    """What tells one model from another: its configuration, and names and sizes of its files.

    Raises FileNotFoundError, with the remedy, for a folder that holds no model.
    """
    config = model / "config.json"
    if not config.is_file():
        raise FileNotFoundError(f"{config} is missing: give the folder of a model")
    sizes = sorted((path.name, path.stat().st_size) for path in model.iterdir() if path.is_file())
    text = config.read_bytes() + repr(sizes).encode()
    return hashlib.sha256(text).hexdigest()[:16]


def common_inputs(options: Options, facts: Mapping[str, str]) -> dict[str, Any]:
    """What every part was measured with."""
    lengths = options.lengths
    return {
        "machine": dict(facts),
        "target": [options.target.name, content_of(options.target)],
        "draft": [options.draft.name, content_of(options.draft)],
        "method": options.method,
        "arguments": list(options.arguments),
        "max_requests": lengths.max_requests,
        "max_model_tokens": lengths.max_model_tokens,
        "prompts": _lines_of(sorted(options.prompts.glob("*.jsonl"))),
    }


def _lines_of(files: Sequence[Path]) -> dict[str, str]:
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest()[:10] for path in files}
