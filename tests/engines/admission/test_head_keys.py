"""The keys that a head in the speculators library's format needs, against vLLM's own reading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hack.vllm.environment import VLLM_VERSION
from tandem_operator.engines.vllm.facts.head_keys import OF_SPECULATORS
from tests.engines.admission import cases
from tests.engines.admission.conftest import Accepts
from tests.engines.admission.good_pairs import HEAD, QWEN

METHODS = {"eagle3": "eagle3", "peagle": "eagle3", "dflash": "dflash", "dflash2": "dflash",
           "dspark": "dspark"}  # fmt: skip
VALUES: dict[str, Any] = {
    "speculators_config": {"verifier": {"name_or_path": "acme/chat"}},
    "transformer_layer_config": {
        key: value for key, value in HEAD.items() if key != "architectures"
    },
    "aux_hidden_state_layer_ids": [1, 2, 3],
}
READ_LATER = {
    "transformer_layer_config": "sizes of the layers",
    "markov_rank": "the Markov head",
    "conv_kernel_size": "the convolution",
    "conv_group_size": "the convolution",
    "selector_rank": "the selector",
    "selector_top_k": "the selector",
}
"""What vLLM reads when it builds the model, which its check of the configuration does not do."""
LATER_TOO = ("dspark", "mask_token_id")
"""The speculator reads it, as it begins."""


def _config(kind: str) -> dict[str, Any]:
    own = {need[0]: VALUES.get(need[0], 4) for need in OF_SPECULATORS[kind]}
    return {"architectures": ["ASpeculator"], **own, "speculators_model_type": kind}


def test_vllm_takes_a_head_with_all_of_them_and_ends_without_one(
    accepts: Accepts, tmp_path: Path
) -> None:
    target = cases.write(tmp_path / "target", QWEN)
    asked: list[tuple[str, str | None]] = []
    for kind, needs in OF_SPECULATORS.items():
        asked += [(kind, None), *((kind, need[0]) for need in needs)]
    words = []
    for number, (kind, without) in enumerate(asked):
        config = {key: value for key, value in _config(kind).items() if key != without}
        head = cases.write(tmp_path / f"head-{number}", config)
        chosen = f'{{"method": "{METHODS[kind]}", "model": "{head}", "num_speculative_tokens": 3}}'
        words.append([str(target), f"--speculative-config={chosen}"])
    answers = accepts(words, VLLM_VERSION, runners=["V2"] * len(words), limit_s=400.0)
    for (kind, without), error in zip(asked, answers, strict=True):
        later = without is None or without in READ_LATER or (kind, without) == LATER_TOO
        assert (error is None) == later, (kind, without, error)
