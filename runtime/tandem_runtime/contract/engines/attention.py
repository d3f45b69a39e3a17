"""What a config.json asks of attention: told by the lock, computed or refused by the torch engine.

One reading for both, so that what is refused before a pod is made is what the engine would refuse.
Pure. A value of the wrong type counts as not given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ROPE_BY_LAYER = "by layer"
"""The kind of rotary embedding of a model whose layers do not all have the same one."""
_WINDOWLESS = ("llama",)
"""Types that ignore `sliding_window` in transformers."""
_WINDOW_ON_REQUEST = ("qwen2", "qwen3")
"""Types whose window is off unless `use_sliding_window` says otherwise."""


def rope(config: Mapping[str, Any]) -> dict[str, Any]:
    """Rotary parameters with `rope_type`, wherever this version of the format keeps them."""
    parameters = _mapping(config.get("rope_parameters")) or _mapping(config.get("rope_scaling"))
    by_layer = [each for each in parameters.values() if isinstance(each, Mapping)]
    if by_layer and len(by_layer) == len(parameters):
        alike = all(each == by_layer[0] for each in by_layer)
        parameters = dict(by_layer[0]) if alike else {"rope_type": ROPE_BY_LAYER}
    kind = parameters.get("rope_type") or parameters.get("type")
    parameters["rope_type"] = kind if isinstance(kind, str) else "default"
    return parameters


def rotary_share(config: Mapping[str, Any]) -> float:
    """The share of a head's dimensions that turn, 1.0 where the file does not say."""
    share = rope(config).get("partial_rotary_factor", config.get("partial_rotary_factor"))
    numeric = isinstance(share, int | float) and not isinstance(share, bool)
    return float(share) if numeric else 1.0  # type: ignore[arg-type]


def sliding_window(config: Mapping[str, Any]) -> int | None:
    """Tokens that a layer looks back at most, None where every layer looks at all."""
    kind, window = config.get("model_type"), config.get("sliding_window")
    if kind in _WINDOWLESS or type(window) is not int or window <= 0:
        return None
    if not config.get("use_sliding_window", kind not in _WINDOW_ON_REQUEST):
        return None
    types = config.get("layer_types")
    if isinstance(types, list) and types and all(each == "full_attention" for each in types):
        return None
    return window


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
