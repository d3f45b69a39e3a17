"""What a config.json says of attention, wherever its version of the format writes it."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_runtime.contract.engines.attention import (
    ROPE_BY_LAYER,
    rope,
    rotary_share,
    sliding_window,
)

LINEAR = {"rope_type": "linear", "factor": 8.0}
LOCAL = {"rope_type": "default", "rope_theta": 1e4}


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        ({}, {"rope_type": "default"}),
        ({"rope_scaling": None}, {"rope_type": "default"}),
        ({"rope_scaling": LINEAR}, LINEAR),
        ({"rope_scaling": {"type": "linear"}}, {"type": "linear", "rope_type": "linear"}),
        ({"rope_parameters": LINEAR, "rope_scaling": LOCAL}, LINEAR),
        ({"rope_parameters": {"full": LINEAR, "sliding": LINEAR}}, LINEAR),
        (
            {"rope_parameters": {"full": LINEAR, "sliding": LOCAL}},
            {"rope_type": ROPE_BY_LAYER},
        ),
        (
            {"rope_parameters": LINEAR | {"more": {"a": 1}}},
            LINEAR | {"more": {"a": 1}},
        ),
    ],
)
def test_rotary_parameters_are_those_of_all_layers_or_by_layer(
    config: dict[str, Any], parameters: dict[str, Any]
) -> None:
    assert rope(config) == parameters


@pytest.mark.parametrize(
    ("config", "share"),
    [
        ({}, 1.0),
        ({"partial_rotary_factor": 0.5}, 0.5),
        ({"rope_parameters": LINEAR | {"partial_rotary_factor": 0.25}}, 0.25),
        ({"partial_rotary_factor": True}, 1.0),
        ({"partial_rotary_factor": "x"}, 1.0),
    ],
)
def test_the_share_of_dimensions_that_turn(config: dict[str, Any], share: float) -> None:
    assert rotary_share(config) == share


@pytest.mark.parametrize(
    ("config", "window"),
    [
        ({}, None),
        ({"sliding_window": 4096}, 4096),
        ({"sliding_window": 0}, None),
        ({"sliding_window": True}, None),
        ({"sliding_window": 4096, "model_type": "llama"}, None),
        ({"sliding_window": 4096, "model_type": "qwen3"}, None),
        ({"sliding_window": 4096, "model_type": "qwen3", "use_sliding_window": True}, 4096),
        ({"sliding_window": 4096, "use_sliding_window": False}, None),
        ({"sliding_window": 4096, "layer_types": ["full_attention"] * 2}, None),
        ({"sliding_window": 4096, "layer_types": ["full_attention", "sliding_attention"]}, 4096),
        ({"sliding_window": 4096, "layer_types": []}, 4096),
    ],
)
def test_a_window_holds_where_any_layer_uses_it(config: dict[str, Any], window: int | None) -> None:
    assert sliding_window(config) == window
