"""The drivers of TensorRT-LLM: the pod under both servers, and what is refused with its remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tandem_operator.api.spec import EngineType, Method, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines import registry
from tandem_operator.engines.interface.launch import EngineParts
from tandem_operator.engines.tensorrt_llm import DRIVER
from tandem_operator.engines.tensorrt_llm.methods import METHODS
from tests.unit.engines import builders
from tests.unit.engines.tensorrt_llm.parts import IMAGE, TAKEN, refused_fields

FOLDER = Path(__file__).parents[4] / "examples" / "tensorrt-llm"
MANIFESTS: dict[str, dict[str, Any]] = {
    path.name: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))
}


def rendered(without_speculation: bool = False, **changes: Any) -> EngineParts:
    return DRIVER.render(
        builders.launch(
            {**TAKEN, **{key.replace("__", "."): value for key, value in changes.items()}},
            without_speculation=without_speculation,
        )
    )


def llm(parts: EngineParts) -> dict[str, Any]:
    return dict(json.loads(parts.config[0].files["llm.json"]))


def test_trtllm_serve_is_started_with_the_locked_files_and_a_configuration_of_its_own() -> None:
    parts = rendered(parallelism__tensor=2, engine__args=["--max_batch_size=8"])
    main = parts.leader.container
    env = builders.env(parts)
    volumes = {each["name"]: each["configMap"]["name"] for each in parts.leader.volumes}

    assert main["image"] == IMAGE
    assert main["command"][:2] == ["/bin/sh", "-c"]
    assert main["args"] == [
        "trtllm-serve", "--name=chat", "--initial-tokens=3", "--", "serve", "/models/target",
        "--served_model_name=chat", "--host=0.0.0.0", "--port=8000", "--tensor_parallel_size=2",
        "--max_batch_size=8",
    ]  # fmt: skip
    assert llm(parts) == {
        "enable_iter_perf_stats": True,
        "return_perf_metrics": True,
        "disable_overlap_scheduler": True,
        "speculative_config": {
            "decoding_type": "Draft_Target",
            "max_draft_len": 7,
            "speculative_model": "/models/draft",
        },
    }
    assert volumes == {"tensorrt-llm": parts.config[0].name}
    assert {"name": "tensorrt-llm", "mountPath": "/tandem/tensorrt-llm", "readOnly": True} in (
        main["volumeMounts"]
    )
    assert "/tandem/plugin" in {each["mountPath"] for each in main["volumeMounts"]}
    assert (env["TRTLLM_NO_USAGE_STATS"], env["HF_HUB_OFFLINE"]) == ("1", "1")
    assert main["resources"]["limits"] == {"nvidia.com/gpu": "2"}
    assert (parts.metrics.port, parts.metrics.path) == ("http", "/prometheus/metrics")
    assert main["readinessProbe"]["httpGet"] == {"path": "/health", "port": "http"}
    drain = main["lifecycle"]["preStop"]["exec"]["command"]
    assert "http://127.0.0.1:8000/prometheus/metrics" in drain
    assert "trtllm_num_requests_running" in drain


def test_triton_has_the_same_speculation_in_a_model_of_the_llm_api() -> None:
    alone = rendered()
    parts = rendered(
        engine__server="Triton",
        engine__args=["--max_seq_len", "4096", "--free_gpu_memory_fraction=0.8"],
    )
    main = parts.leader.container
    ports = {each["name"]: each["containerPort"] for each in main["ports"]}

    assert main["args"] == ["triton", "--name=chat", "--initial-tokens=3"]
    assert ports == {"http": 8000, "grpc": 8001, "tandem-metrics": 8002}
    assert (parts.metrics.port, parts.metrics.path) == ("tandem-metrics", "/metrics")
    assert main["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready"
    assert llm(parts) == {
        **llm(alone),
        "backend": "pytorch",
        "model": "/models/target",
        "tensor_parallel_size": 1,
        "pipeline_parallel_size": 1,
        "max_seq_len": 4096,
        "kv_cache_config": {"free_gpu_memory_fraction": 0.8},
    }
    assert set(parts.config[0].files) == {"llm.json", "config.pbtxt"}


def test_triton_is_the_server_where_none_is_named() -> None:
    changes = {key: value for key, value in TAKEN.items() if key != "engine.server"}

    assert DRIVER.render(builders.launch(changes)) == rendered(engine__server="Triton")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_taken_and_says_which_depths_a_start_may_have(method: Method) -> None:
    changes = {"speculation.method": method.value}
    parts = rendered(speculation__method=method.value)

    assert refused_fields(changes) == []
    assert parts.tiers == tuple(range(8))
    assert ("--zero" in parts.leader.container["args"]) == (method is Method.N_GRAM)
    assert ("speculative_model" in llm(parts)["speculative_config"]) == (
        method.value in builders.WITH_DRAFT
    )


def test_without_speculation_nothing_is_drafted_and_the_page_is_the_same() -> None:
    parts = rendered(without_speculation=True)

    assert llm(parts) == {"enable_iter_perf_stats": True, "return_perf_metrics": True}
    assert parts.tiers == (0,)
    assert "--initial-tokens=3" not in parts.leader.container["args"]


def test_other_contents_have_another_config_map() -> None:
    one, other = rendered(), rendered(speculation__maxTokens=3)

    assert one.config[0].name != other.config[0].name
    assert one == rendered()


def test_k_is_taken_at_the_start_and_that_is_told() -> None:
    asked = builders.spec(TAKEN)
    (warning,) = DRIVER.warn(asked)

    assert DRIVER.live_mode(asked) is LiveMode.ROLLOUT
    assert warning.field == "spec.speculation.initialTokens"
    assert "start after it" in warning.message


def test_each_method_has_an_example_and_each_server_one() -> None:
    specs = [Spec.model_validate(each["spec"]) for each in MANIFESTS.values()]

    assert {each.speculation.method for each in specs} == set(METHODS)
    assert {str(each.engine.server) for each in specs} == {"Native", "Triton"}


@pytest.mark.parametrize("name", MANIFESTS)
def test_an_example_is_taken_as_it_stands(name: str) -> None:
    spec = Spec.model_validate(MANIFESTS[name]["spec"])

    assert registry.driver(EngineType.TENSORRT_LLM).validate(spec) == ()
