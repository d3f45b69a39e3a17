"""How vLLM is started: its own pod, as the API server gets it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tandem_operator.engines.pod import drain, environment
from tandem_operator.engines.vllm import DRIVER
from tandem_operator.engines.vllm.arguments import START
from tests.unit.engines import builders
from tests.unit.engines.builders import env, rendered, speculative

USERS_MAY_CHANGE = {"HOME", "VLLM_NO_USAGE_STATS", "DO_NOT_TRACK"}


def test_the_container_of_a_pair_on_four_gpus() -> None:
    parts = rendered({"parallelism.tensor": 4, "engine.args": ["--max-model-len", "8192"]})
    container = parts.leader.container

    assert container["name"] == "main"
    assert container["image"] == "vllm/vllm-openai:v0.32.0"
    assert container["command"] == ["/bin/sh", "-c", START, "vllm"]
    assert [word for word in container["args"] if not word.startswith("--speculative")] == [
        "/models/target",
        "--served-model-name=chat",
        "--host=0.0.0.0",
        "--port=8000",
        "--tensor-parallel-size=4",
        "--max-model-len",
        "8192",
    ]
    assert speculative(parts) == {
        "method": "draft_model",
        "model": "/models/draft",
        "num_speculative_tokens": 7,
        "num_speculative_tokens_per_batch_size": [
            [1, 253, 3],
            [254, 254, 7],
            [255, 255, 1],
            [256, 1024, 0],
        ],
    }
    assert parts.tiers == (0, 1, 3, 7)
    assert env(parts) == {
        "HOME": "/tmp",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_USE_RUST_FRONTEND": "0",
        "HF_HUB_OFFLINE": "1",
        "TANDEM_LOCK": '{"version":1}',
        "TANDEM_TABLE_FILE": "/tandem/table/speculation.json",
        "TANDEM_DIGESTS_FILE": "/tandem/state/digests.json",
        "TANDEM_METRICS_DIR": "/dev/shm/tandem",
        "TANDEM_MAX_TOKENS": "7",
        "TANDEM_TIERS": "0,1,3,7",
    }
    assert container["resources"] == {
        "limits": {"nvidia.com/gpu": "4"},
        "requests": {"nvidia.com/gpu": "4"},
    }
    assert container["volumeMounts"] == [
        {"name": "tandem-models", "mountPath": "/models", "readOnly": True},
        {"name": "tandem-plugin", "mountPath": "/tandem/plugin", "readOnly": True},
        {"name": "tandem-state", "mountPath": "/tandem/state", "readOnly": True},
        {"name": "tandem-table", "mountPath": "/tandem/table", "readOnly": True},
        {"name": "tandem-shm", "mountPath": "/dev/shm"},
    ]
    assert parts.leader.volumes == []


def test_the_engine_may_load_until_the_deadline_and_is_asked_on_health_alone() -> None:
    container = rendered({"progressDeadlineSeconds": 600}).leader.container
    startup = container["startupProbe"]

    assert startup["periodSeconds"] * startup["failureThreshold"] >= 600
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/health", "port": "http"}


def test_running_requests_end_within_the_grace_period() -> None:
    parts = rendered()
    *_, script, url, delay_s, limit_s, running, waiting = parts.leader.container["lifecycle"][
        "preStop"
    ]["exec"]["command"]

    assert script == drain.SCRIPT
    assert url == "http://127.0.0.1:8000/metrics"
    assert (running, waiting) == ("vllm:num_requests_running", "vllm:num_requests_waiting")
    assert float(delay_s) + float(limit_s) < parts.leader.grace_s


def test_no_right_is_gained() -> None:
    parts = rendered()

    assert parts.leader.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert parts.leader.security_context == {"seccompProfile": {"type": "RuntimeDefault"}}


def test_on_cpu_nothing_is_asked_for_and_the_platform_is_said() -> None:
    parts = rendered({"accelerator.resource": "None"})

    assert "resources" not in parts.leader.container
    assert env(parts)["VLLM_TARGET_DEVICE"] == "cpu"


def test_without_speculation_the_draft_is_not_loaded() -> None:
    parts = rendered(without_speculation=True)

    assert [word for word in parts.leader.container["args"] if "spec" in word] == []
    assert parts.tiers == (0,)
    assert env(parts)["TANDEM_MAX_TOKENS"] == "0"
    assert env(parts)["TANDEM_LOCK"] == '{"version":1}'


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"speculation.method": "Eagle"}, {"method": "eagle", "model": "/models/draft"}),
        ({"speculation.method": "Eagle3"}, {"method": "eagle3", "model": "/models/draft"}),
        ({"speculation.method": "MTP"}, {"method": "mtp"}),
        (
            {"speculation.method": "MTP", "draft": {"uri": "hf://org/assistant"}},
            {"method": "mtp", "model": "/models/draft"},
        ),
        ({"speculation.method": "DFlash"}, {"method": "dflash", "model": "/models/draft"}),
        ({"speculation.method": "DSpark"}, {"method": "dspark"}),
        (
            {"speculation.method": "DSpark", "draft": {"uri": "hf://org/head"}},
            {"method": "dspark", "model": "/models/draft"},
        ),
        ({"speculation.method": "Medusa"}, {"method": "medusa", "model": "/models/draft"}),
        ({"speculation.method": "Suffix"}, {"method": "suffix"}),
        ({"speculation.method": "NGram"}, {"method": "ngram"}),
        (
            {"speculation.method": "NGram", "speculation.nGram": {"minLookup": 2, "maxLookup": 4}},
            {"method": "ngram", "prompt_lookup_min": 2, "prompt_lookup_max": 4},
        ),
        (
            {"speculation.draftTensorParallel": 1},
            {"method": "draft_model", "model": "/models/draft", "draft_tensor_parallel_size": 1},
        ),
        (
            {
                "speculation.engineConfig": {
                    "disable_padded_drafter_batch": True,
                    "max_model_len": 9,
                }
            },
            {
                "method": "draft_model",
                "model": "/models/draft",
                "disable_padded_drafter_batch": True,
                "max_model_len": 9,
            },
        ),
    ],
)
def test_each_method_has_its_own_configuration(
    changes: builders.Object, expected: builders.Object
) -> None:
    config = speculative(rendered(changes))
    config.pop("num_speculative_tokens_per_batch_size", None)

    assert config == {**expected, "num_speculative_tokens": 7}


@pytest.mark.parametrize("method", ["Suffix", "Medusa"])
def test_a_drafter_of_fixed_depth_gets_no_schedule_and_two_tiers(method: str) -> None:
    parts = rendered({"speculation.method": method})

    assert "num_speculative_tokens_per_batch_size" not in speculative(parts)
    assert parts.tiers == (0, 7)


def test_data_parallel_ranks_drop_a_schedule_so_none_is_given() -> None:
    parts = rendered({"parallelism.data": 2})

    assert "num_speculative_tokens_per_batch_size" not in speculative(parts)
    assert "--data-parallel-size=2" in parts.leader.container["args"]


@pytest.mark.parametrize(("runner", "value"), [("V1", "0"), ("V2", "1"), (None, None)])
def test_the_model_runner_is_vllms_choice_unless_the_resource_makes_it(
    runner: str | None, value: str | None
) -> None:
    changes = {} if runner is None else {"engine.modelRunner": runner}

    assert env(rendered(changes)).get("VLLM_USE_V2_MODEL_RUNNER") == value


@pytest.mark.parametrize(
    ("image", "path", "plugins"),
    [
        ({}, "/tandem/plugin", None),
        ({"PYTHONPATH": "/opt/rocm"}, "/tandem/plugin:/opt/rocm", None),
        ({"VLLM_PLUGINS": "lora"}, "/tandem/plugin", "lora,tandem"),
        ({"VLLM_PLUGINS": ""}, "/tandem/plugin", ",tandem"),
    ],
)
def test_what_the_image_puts_on_its_path_and_names_as_plugins_is_kept(
    image: dict[str, str], path: str, plugins: str | None, tmp_path: Path
) -> None:
    engine = tmp_path / "vllm"
    engine.write_text('#!/bin/sh\necho "$PYTHONPATH|${VLLM_PLUGINS-unset}|$*"\n')
    engine.chmod(0o755)
    container = rendered().leader.container
    ran = subprocess.run(
        [*container["command"], "/models/target", "--port=8000", "a b"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", **image},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = "unset" if plugins is None else plugins

    assert ran.stdout == f"{path}|{expected}|serve /models/target --port=8000 a b\n"


def test_remote_code_runs_only_where_the_lock_allows_it() -> None:
    assert "--trust-remote-code" not in rendered().leader.container["args"]
    allowed = rendered({"tokenizerLock.allowRemoteCode": True})
    assert "--trust-remote-code" in allowed.leader.container["args"]


def test_the_users_variables_stand_beside_and_replace_defaults() -> None:
    secret = {"secretKeyRef": {"name": "keys", "key": "api"}}
    parts = rendered(
        {
            "engine.env": [
                {"name": "HOME", "value": "/work"},
                {"name": "VLLM_API_KEY", "valueFrom": secret},
            ]
        }
    )

    assert env(parts)["HOME"] == "/work"
    assert env(parts)["VLLM_API_KEY"] == secret
    names = [each["name"] for each in parts.leader.container["env"]]
    assert len(names) == len(set(names))


def test_every_variable_that_a_user_may_not_replace_is_refused_in_the_spec() -> None:
    given = set(env(rendered({"accelerator.resource": "None"})))

    assert {name for name in given if not environment.owns(DRIVER.owned_env, name)} == (
        USERS_MAY_CHANGE
    )


def test_the_same_launch_gives_the_same_bytes() -> None:
    changes = {"speculation.engineConfig": {"b": 1, "a": [True, None]}}
    one, other = (rendered(changes) for _ in range(2))

    assert json.dumps(one.leader.container) == json.dumps(other.leader.container)
