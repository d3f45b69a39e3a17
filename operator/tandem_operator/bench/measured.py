"""What one block measured, as it is kept in the state file.

Pure. `measure` makes it from counters; `fit` and `report` read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tandem_operator.bench.plan import Block


@dataclass(frozen=True)
class Sample:
    """Means over steps of one kind: ``batch`` decoding requests, ``tokens`` is K.

    ``steps`` were measured, ``seconds`` long each, with so many context and prefill tokens.
    """

    batch: float
    tokens: int
    seconds: float
    steps: float
    context_tokens: float
    prefill_tokens: float


@dataclass(frozen=True)
class Measured:
    """One finished block.

    ``accepted`` and ``reached`` count drafts by position (accepted so far; at least that long).
    ``latencies_s`` are whole requests that began and ended at full load,
    its warm-up included.
    """

    block: Block
    samples: tuple[Sample, ...]
    accepted: tuple[float, ...]
    reached: tuple[float, ...]
    tokens_per_s: float
    latencies_s: tuple[float, ...] = ()


def to_document(measured: Measured) -> dict[str, Any]:
    """The block as JSON holds it."""
    return asdict(measured)


def from_document(document: Mapping[str, Any]) -> Measured:
    """The block that `to_document` wrote. Raises KeyError, TypeError or ValueError otherwise."""
    return Measured(
        block=Block(**document["block"]),
        samples=tuple(Sample(**sample) for sample in document["samples"]),
        accepted=tuple(map(float, document["accepted"])),
        reached=tuple(map(float, document["reached"])),
        tokens_per_s=float(document["tokens_per_s"]),
        latencies_s=tuple(map(float, document["latencies_s"])),
    )
