"""Sampling: what generation_config.json gives every request that says nothing itself."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.vllm.pair_view import Pair

EPSILON = 1e-5
"""vLLM's `_SAMPLING_EPS`: smaller values count as 0."""
FIELD = "spec.target.uri"


def defaults(pair: Pair) -> Iterator[FieldError | Warned]:
    """Defaults with which vLLM answers 400 to every request."""
    defaults_in_force = _in_force(pair)
    min_p = defaults_in_force.get("min_p", 0.0)
    if EPSILON < min_p <= 1:
        yield Warned(
            FIELD,
            f"generation_config.json sets min_p {min_p}: while vLLM speculates it answers 400 to "
            "every request that does not set min_p: 0 itself",
            'add --override-generation-config={"min_p": 0.0} to engine.args',
        )
    for name, value in defaults_in_force.items():
        if not _is_valid(name, value):
            yield Warned(
                FIELD,
                f"generation_config.json sets {name} {value}, with which vLLM answers 400",
                f'add --override-generation-config={{"{name}": ...}} to engine.args',
            )


def _in_force(pair: Pair) -> Mapping[str, float]:
    """Defaults of every request, with what engine.args say of them."""
    source = pair.argument("generation-config")
    defaults_in_force: dict[str, Any] = {}
    if source in (None, "auto"):
        defaults_in_force |= pair.target.facts.generation_defaults
    try:
        over = json.loads(pair.argument("override-generation-config") or "{}")
    except ValueError:
        over = {}
    defaults_in_force |= over if isinstance(over, dict) else {}
    return {key: value for key, value in defaults_in_force.items() if type(value) in (int, float)}


def _is_valid(name: str, value: float) -> bool:
    """As `SamplingParams._verify_args`."""
    if name == "temperature":
        return 0 <= value <= 2
    if name == "top_p":
        return 0 < value <= 1
    if name == "min_p":
        return 0 <= value <= 1
    if name == "top_k":
        return value >= -1
    if name == "repetition_penalty":
        return value > 0
    if name in ("presence_penalty", "frequency_penalty"):
        return -2 <= value <= 2
    return True
