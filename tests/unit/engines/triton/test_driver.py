"""The driver of Triton with the torch engine in it.

Covered: which server a spec is for; the pod's two containers, their ports and what each may see;
what is refused with its field and remedy, and what stays allowed; the examples.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import EngineType, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines import registry, torch
from tandem_operator.engines.torch.methods import METHODS
from tandem_operator.engines.triton import DRIVER
from tests.unit.engines import builders

IMAGE = "registry.example/tandem-triton:1"
TRITON = {"engine": {"type": "Torch", "server": "Triton", "image": IMAGE}}
FOLDER = Path(__file__).parents[4] / "examples" / "triton"
MANIFESTS: dict[str, dict[str, Any]] = {
    path.name: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))
}


def spec(**changes: Any) -> Spec:
    return builders.spec({**TRITON, **{k.replace("__", "."): v for k, v in changes.items()}})


def rendered(**changes: Any) -> Any:
    made = builders.launch({**TRITON, **{k.replace("__", "."): v for k, v in changes.items()}})
    return DRIVER.render(made)


def test_the_server_of_the_spec_says_which_driver_renders() -> None:
    asked = registry.driver(EngineType.TORCH)
    alone = builders.launch({"engine": {"type": "Torch"}})

    assert asked.render(builders.launch(TRITON)) == DRIVER.render(builders.launch(TRITON))
    assert asked.render(alone) == torch.DRIVER.render(alone)
    assert asked.validate(spec()) == ()
    assert asked.live_mode(spec()) is LiveMode.LOOKUP


def test_triton_gets_the_engines_own_words_and_the_page_a_port_of_its_own() -> None:
    parts = rendered()
    alone = torch.DRIVER.render(builders.launch({"engine": {"type": "Torch"}}))
    ports = {each["name"]: each["containerPort"] for each in parts.leader.container["ports"]}

    assert parts.leader.container["command"] == ["python3", "-m", "tandem_runtime.triton.serve"]
    assert parts.leader.container["args"] == alone.leader.container["args"]
    assert ports == {"http": 8000, "grpc": 8001, "tandem-metrics": 8002}
    assert parts.tiers == alone.tiers


def test_only_the_actuator_sees_the_table_and_both_share_the_key() -> None:
    parts = rendered(target__servedName="chat-1")
    (actuator,) = parts.leader.sidecars
    mounts = [
        {each["name"] for each in container["volumeMounts"]}
        for container in (parts.leader.container, actuator)
    ]

    assert actuator["name"] == "tandem-actuator"
    assert actuator["image"] == IMAGE
    assert "--model=chat-1" in actuator["args"]
    assert "--served-model-name=chat-1" in parts.leader.container["args"]
    assert [("tandem-table" in mounted, "tandem-shm" in mounted) for mounted in mounts] == [
        (False, True),
        (True, True),
    ]
    assert "ports" not in actuator
    names = {each["name"]: each["value"] for each in actuator["env"]}
    assert (names["TANDEM_MAX_TOKENS"], names["TANDEM_TIERS"]) == ("7", "0,1,2,3,4,5,6,7")


def test_without_speculation_there_is_nothing_to_act_on() -> None:
    parts = DRIVER.render(replace(builders.launch(TRITON), without_speculation=True))

    assert parts.leader.sidecars == ()
    assert parts.tiers == (0,)


def test_a_pod_waits_for_its_requests_by_the_page_of_its_metrics_port() -> None:
    words = rendered().leader.container["lifecycle"]["preStop"]["exec"]["command"]

    assert "http://127.0.0.1:8002/metrics" in words


@pytest.mark.parametrize(
    ("engine", "field", "expected"),
    [
        ({"image": None}, "spec.engine.image", "target triton"),
        ({"args": ["--max-body-bytes=1000"]}, "spec.engine.args[0]", "Triton reads the bodies"),
        ({"args": ["--grpc-port=1"]}, "spec.engine.args[0]", "no such option"),
        ({"args": ["--tritonserver=/bin/sh"]}, "spec.engine.args[0]", "no such option"),
        (
            {"env": [{"name": "TORCH_ENGINE_API_KEY", "value": "x"}]},
            "spec.engine.env[0].name",
            "key",
        ),
        ({"env": [{"name": "TANDEM_TIERS", "value": "x"}]}, "spec.engine.env[0].name", "operator"),
    ],
)
def test_what_it_cannot_do_is_refused_with_its_field_and_remedy(
    engine: dict[str, Any], field: str, expected: str
) -> None:
    wanted = {key: value for key, value in {**TRITON["engine"], **engine}.items() if value}
    (error,) = DRIVER.validate(spec(engine=wanted))

    assert error.field == field
    assert expected in f"{error.message}; {error.remedy}"
    assert error.remedy


@pytest.mark.parametrize("method", ["Eagle3", "Suffix", "MTP"])
def test_methods_are_those_of_the_torch_engine(method: str) -> None:
    refusals = DRIVER.validate(spec(speculation__method=method))

    assert [each.field for each in refusals] == ["spec.speculation.method"]
    assert refusals[0].reason is StalledReason.UNSUPPORTED_COMBINATION


@pytest.mark.parametrize(
    "engine",
    [
        {"args": ["--max-num-seqs=8", "--drain-seconds", "60"]},
        {"env": [{"name": "OMP_NUM_THREADS", "value": "2"}]},
    ],
)
def test_the_engines_other_options_stay_allowed(engine: dict[str, Any]) -> None:
    assert DRIVER.validate(spec(engine={**TRITON["engine"], **engine})) == ()


def test_the_page_has_a_port_of_its_own_that_no_users_port_can_be_taken_for() -> None:
    parts = rendered()

    assert (parts.metrics.port, parts.metrics.path) == ("tandem-metrics", "/metrics")
    assert (
        torch.DRIVER.render(builders.launch({"engine": {"type": "Torch"}})).metrics.port == "http"
    )


def test_each_method_has_an_example() -> None:
    methods = [each["spec"]["speculation"]["method"] for each in MANIFESTS.values()]
    assert sorted(methods) == sorted(method.value for method in METHODS)


@pytest.mark.parametrize("name", MANIFESTS)
def test_an_example_is_taken_as_it_stands(name: str) -> None:
    assert (
        registry.driver(EngineType.TORCH).validate(Spec.model_validate(MANIFESTS[name]["spec"]))
        == ()
    )
    assert MANIFESTS[name]["spec"]["engine"]["server"] == "Triton"
