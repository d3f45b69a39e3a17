"""What one request of another depth costs the others: constrained, or one that opted out.

The same closed loop in turn: all clients plain; one of them constrained and bypassed; constrained
and speculating like the others; one that asks for no speculation.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hack.gpu.setup import start_log
from hack.gpu.setup.engine import KINDS, MODEL, Engine
from hack.gpu.setup.setups import INITIAL
from hack.vllm.client import Request, ask_all
from tandem_operator.bench.plan import Block
from tandem_runtime.contract.table import ALLOW, BYPASS, Range, SpeculationTable

# Printable text up to a character that no model writes: the constraint holds for the whole answer.
_CONSTRAINED = {"structured_outputs": {"regex": "[ -~\\n]*\x01"}}
_OFF = {"vllm_xargs": {"tandem_speculation": "off"}}


@dataclass(frozen=True)
class Crowd:
    """One of the loads: what the first client asks for besides, and the table's policy."""

    first_client: Mapping[str, Any]
    policy: str


CROWDS = {
    "all plain": Crowd({}, BYPASS),
    "one constrained, Bypass": Crowd(_CONSTRAINED, BYPASS),
    "one constrained, Allow": Crowd(_CONSTRAINED, ALLOW),
    "one off": Crowd(_OFF, BYPASS),
}


async def measure(engine: Engine) -> dict[str, Any] | None:
    """Step time, tokens/s and FULL graphs of each load; None when the time is up.

    Raises EndpointError.
    """
    lengths = engine.options.lengths
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in CROWDS}
    draw = random.Random(1)
    one_s = lengths.times.warmup_s + lengths.times.block_s + 4.0
    # A server's first constraint loads the library of grammars, for seconds.
    await ask_all(engine.server.url, MODEL, [Request("a", 4, body=_CONSTRAINED)], 1)
    async with engine.opened() as opened:
        assert opened.steering is not None
        texts = {name: engine.texts(KINDS[0], crowd.first_client) for name, crowd in CROWDS.items()}
        bench = opened.bench(texts, lengths.times)
        for number in range(lengths.rounds):
            for name in draw.sample(list(CROWDS), len(CROWDS)):
                if time.monotonic() + one_s > engine.end_s:
                    return None
                await opened.steering.put(_table(CROWDS[name].policy))
                place = len(engine.log())
                measured = await bench.measure(Block(number, lengths.crowd, None, name))
                steps = await engine.steps_since(place)
                plain = [sample for sample in measured.samples if sample.prefill_tokens == 0]
                rounds[name].append(
                    {
                        "ms": _step_ms(plain),
                        "tokens_per_s": measured.tokens_per_s,
                        "full_share": start_log.full_share(steps),
                    }
                )
    return {
        "clients": lengths.crowd,
        "tokens": INITIAL,
        "loads": {name: _median(repeats) for name, repeats in rounds.items()},
    }


def _table(policy: str) -> SpeculationTable:
    return SpeculationTable(
        lock="", generation=0, schedule=(Range(1, 1024, INITIAL),), constrained_output=policy
    )


def _step_ms(samples: list[Any]) -> float | None:
    steps = sum(sample.steps for sample in samples)
    return 1e3 * sum(sample.seconds * sample.steps for sample in samples) / steps if steps else None


def _median(rounds: list[dict[str, Any]]) -> dict[str, float | None]:
    medians: dict[str, float | None] = {}
    for key in ("ms", "tokens_per_s", "full_share"):
        values = [one[key] for one in rounds if one[key] is not None]
        medians[key] = round(float(np.median(values)), 4) if values else None
    return medians
