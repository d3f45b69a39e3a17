"""A real run is read whole or refused by block and field."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_operator.simulation.comparison.real_run import RealRunError, blocks_of


def document(**other: Any) -> dict[str, Any]:
    return {
        "phase": "16-code",
        "setting": "K=3",
        "clients": 16,
        "mix": {"code": 0.5, "prose": 0.5},
        "input_tokens": [90, 110],
        "output_tokens": 96,
        "seconds": 45.0,
        "tokens_per_s": 800.0,
        "latency_p50_s": 1.7,
        "latency_p95_s": 2.4,
    } | other


@pytest.mark.parametrize(("setting", "tokens"), [("off", 0), ("K=7", 7), ("goodput", None)])
def test_a_setting_names_its_depth(setting: str, tokens: int | None) -> None:
    (block,) = blocks_of([document(setting=setting)])
    assert (block.setting, block.tokens) == (setting, tokens)
    assert (block.input_tokens, block.output_tokens) == ((90, 110), (96,))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"setting": "K=99"}, "block 2: setting"),
        ({"setting": "3"}, "block 2: setting"),
        ({"mix": {}}, "block 2: mix"),
        ({"mix": {"code": -1}}, "mix.code"),
        ({"output_tokens": 0}, "output_tokens"),
        ({"output_tokens": "96"}, "output_tokens"),
        ({"input_tokens": []}, "input_tokens"),
        ({"seconds": float("nan")}, "seconds"),
        ({"tokens_per_s": None}, "tokens_per_s"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(RealRunError, match=message):
        blocks_of([document(), document(**wrong)])


def test_a_missing_field_is_named() -> None:
    block = document()
    del block["latency_p95_s"]
    with pytest.raises(RealRunError, match="latency_p95_s is missing"):
        blocks_of([block])
    with pytest.raises(RealRunError, match="list"):
        blocks_of({"blocks": []})
