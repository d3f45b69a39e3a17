"""What leader and workers of a replica of several pods are started with, held against vLLM's own
parser and configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.launch import Launch
from tandem_operator.engines.vllm import DRIVER
from tandem_runtime.contract import paths
from tests.engines.admission import cases
from tests.engines.admission.conftest import Accepts
from tests.unit.engines.builders import INSTALLATION

Object = dict[str, Any]
MODEL: Object = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 32_000,
    "hidden_size": 512,
    "intermediate_size": 1024,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
    "max_position_embeddings": 4096,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    "torch_dtype": "bfloat16",
}
PIPELINE: Object = {
    "parallelism": {"tensor": 2, "pipeline": 2},
    "speculation": {"method": "DraftModel", "maxTokens": 3, "constrainedOutput": "Allow"},
    "tuning": {"mode": "Fixed"},
}
WIDE: Object = {"parallelism": {"tensor": 8}, "accelerator": {"count": 2}}
SERVERS: Object = {"engine": {"args": ["--api-server-count=2", "--max-model-len=2048"]}}


@dataclass(frozen=True)
class Pod:
    words: tuple[str, ...]
    refused: str | None


def _spec(changes: Object) -> Spec:
    engine = {"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0", **changes.get("engine", {})}
    return Spec.model_validate(
        {
            "target": {"uri": "pvc://models/target"},
            "draft": {"uri": "pvc://models/draft"},
            "speculation": {"method": "DraftModel", "maxTokens": 7},
            **changes,
            "engine": engine,
        }
    )


def _words(changes: Object, index: int, places: Object) -> list[str]:
    launch = Launch("chat", _spec(changes), "0123456789abcdef", "{}", INSTALLATION)
    pod = DRIVER.render(launch).leader if index == 0 else DRIVER.worker(launch)
    text = json.dumps(pod.container["args"])
    text = text.replace("$(LWS_LEADER_ADDRESS)", "chat-group-0.chat-group.serving")
    text = text.replace("$(LWS_WORKER_INDEX)", str(index))
    for name, place in places.items():
        text = text.replace(name, str(place))
    words: list[str] = json.loads(text)
    return words


@pytest.fixture(scope="module")
def pods(accepts: Accepts, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pod]:
    place = tmp_path_factory.mktemp("models")
    places = {
        paths.TARGET: cases.write(place / "target", MODEL),
        paths.DRAFT: cases.write(place / "draft", MODEL),
    }
    asked = {
        "leader of a pipeline": _words(PIPELINE, 0, places),
        "worker of a pipeline": _words(PIPELINE, 1, places),
        "leader of ranks": _words(WIDE, 0, places),
        "last worker of ranks": _words(WIDE, 3, places),
        "worker beside several API servers": _words({**WIDE, **SERVERS}, 1, places),
        "a rank that is not there": _words(WIDE, 4, places),
        "nodes that do not come out even": [
            word.replace("--nnodes=4", "--nnodes=3") for word in _words(WIDE, 0, places)
        ],
    }
    answers = accepts(list(asked.values()), limit_s=200.0)
    return {
        name: Pod(tuple(words), refused)
        for (name, words), refused in zip(asked.items(), answers, strict=True)
    }


def test_vllm_takes_what_each_pod_of_a_group_is_started_with(pods: dict[str, Pod]) -> None:
    refused = {name: pod.refused for name, pod in pods.items() if pod.refused is not None}
    assert set(refused) == {"a rank that is not there", "nodes that do not come out even"}
    assert "--node-rank" in str(refused["a rank that is not there"])
    assert "evenly divide" in str(refused["nodes that do not come out even"])


def test_a_worker_without_api_is_one_to_vllm(pods: dict[str, Pod]) -> None:
    workers = [pod.words for name, pod in pods.items() if "worker" in name]
    assert all("--headless" in words for words in workers)
    assert not any("api-server-count" in word for words in workers for word in words)
