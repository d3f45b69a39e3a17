"""One good pair of each method, as it is rendered: vLLM's own parser and configuration take it.

The configurations are those of published pairs, made small. Of arctic-inference, without which vLLM
refuses Suffix, there is an empty package: that check asks for its name alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tandem_operator.api.spec import Method, Spec
from tandem_operator.engines import registry
from tandem_operator.engines.vllm.facts.methods import METHODS
from tandem_runtime.contract.report import PairReport
from tests.engines.admission import cases
from tests.engines.admission.pairs import rendered, side

Object = dict[str, Any]
TARGET: Object = {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "vocab_size": 32_000,
    "hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 4, "head_dim": 64,
    "num_attention_heads": 8, "num_key_value_heads": 2, "max_position_embeddings": 2048,
    "hidden_act": "silu", "rms_norm_eps": 1e-6, "torch_dtype": "bfloat16",
}  # fmt: skip
LLAMA = TARGET | {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
HEAD = LLAMA | {"num_hidden_layers": 1}
WITH_LAYERS = TARGET | {
    "architectures": ["Glm4MoeForCausalLM"], "model_type": "glm4_moe",
    "num_nextn_predict_layers": 1, "n_routed_experts": 8, "n_shared_experts": 1,
}  # fmt: skip
DRAFTS: dict[Method, Object] = {
    Method.DRAFT_MODEL: TARGET | {"num_hidden_layers": 1},
    Method.EAGLE: HEAD | {"architectures": ["EagleLlamaForCausalLM"]},
    Method.EAGLE3: HEAD | {"architectures": ["LlamaForCausalLMEagle3"], "draft_vocab_size": 1000},
    Method.MEDUSA: {"medusa_num_heads": 3, "medusa_num_layers": 1},
    Method.DFLASH: HEAD
    | {
        "architectures": ["DFlashDraftModel"],
        "model_type": "qwen3",
        "block_size": 4,
        "dflash_config": {"mask_token_id": 5, "target_layer_ids": [0, 1]},
    },
}
CHECKED = sorted(set(METHODS) - {Method.DSPARK})


def asked(method: Method) -> tuple[Object, Object | None, Spec]:
    draft = DRAFTS.get(method)
    target = WITH_LAYERS if method is Method.MTP else TARGET if method in (
        Method.DRAFT_MODEL, Method.DFLASH, Method.N_GRAM, Method.SUFFIX) else LLAMA  # fmt: skip
    alike = method in (Method.SUFFIX, Method.MEDUSA)
    fields: Object = {
        "target": {"uri": "pvc://models/target"},
        "speculation": {
            "method": method.value,
            "maxTokens": 1 if method is Method.MTP else 3,
            "constrainedOutput": "Allow" if alike else "Bypass",
        },
        "engine": {"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0"},
    }
    if draft is not None:
        fields["draft"] = {"uri": "pvc://models/draft"}
    return target, draft, Spec.model_validate(fields)


@pytest.fixture(scope="module")
def answers(
    in_engine: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> dict[Method, tuple[tuple[str, ...], str | None]]:
    """What the driver and vLLM refuse of each method's pair."""
    place = tmp_path_factory.mktemp("methods")
    judged, words = [], []
    for method in CHECKED:
        target, draft, spec = asked(method)
        paths = place / f"{method}-target", place / f"{method}-draft"
        report = PairReport(
            verdict="Compatible", reason="Equal", allowed=True, message="",
            target=side(paths[0], target),
            draft=None if draft is None else side(paths[1], draft),
        )  # fmt: skip
        judged.append(registry.validate_pair(spec, report).refusals)
        words.append(rendered(spec, report, *paths))
    (place / "arctic_inference").mkdir()
    (place / "arctic_inference" / "__init__.py").touch()
    (place / "asked.json").write_text(json.dumps(words))
    script = Path(cases.__file__).with_name("accepts.py")
    output = in_engine(script, str(place / "asked.json"), str(place), limit_s=240.0)
    answers = json.loads(output.strip().splitlines()[-1])
    return {
        method: (tuple(map(str, refused)), answer)
        for method, refused, answer in zip(CHECKED, judged, answers, strict=True)
    }


@pytest.mark.parametrize("method", CHECKED)
def test_a_good_pair_is_taken_by_both(
    method: Method, answers: dict[Method, tuple[tuple[str, ...], str | None]]
) -> None:
    assert answers[method] == ((), None)
