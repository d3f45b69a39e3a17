"""An engine is one file and one line: everything else takes it as it takes vLLM."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tandem_operator.api.spec import EngineType, Spec
from tandem_operator.engines import registry
from tandem_operator.metrics.page import parse
from tandem_operator.metrics.replicas import replicas_of
from tandem_operator.metrics.windows import window_between
from tandem_operator.planning import preview
from tandem_runtime.contract.model_facts import ModelFacts
from tests.unit.made_up import engine
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.world import World

ENGINE = {"type": "Neuron", "image": "made/up:1"}


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.DRIVERS, EngineType.NEURON, lambda: engine.DRIVER)


def world(**fields: Any) -> World:
    made = World(
        builders.resource(**{"engine": ENGINE, "accelerator": {"resource": "None"}} | fields)
    )
    made.installation = replace(builders.INSTALLATION, pod_monitors=True)
    return made


def pod_spec(made: World) -> Object:
    template: Object = made.only("Deployment")["spec"]["template"]
    return dict(template["spec"])


def test_it_is_one_of_the_engines_that_are_driven() -> None:
    assert EngineType.NEURON in registry.driven()


def test_what_it_cannot_do_is_told_with_field_and_remedy_and_nothing_is_made() -> None:
    made = world(
        engine={**ENGINE, "env": [{"name": "MADE_UP_DEPTH", "value": "3"}]},
        speculation={"method": "Eagle", "maxTokens": 4},
    )
    made.settle()

    assert made.condition("Stalled") == ("True", "UnsupportedCombination")
    assert (
        "spec.speculation.method: Eagle: the made-up engine has no such method; use DraftModel"
        in (made.message("Stalled"))
    )
    assert made.names() == set()
    shown = preview.of(preview.resource_of(made.resource, "serving"), made.installation)
    assert [each.field for each in shown.refusals] == [
        "spec.speculation.method",
        "spec.engine.env[0].name",
    ]


def test_a_pair_that_it_cannot_serve_is_told_once_it_is_locked() -> None:
    made = world()
    made.settle()
    made.lock_ends(builders.good(target=builders.side(facts=ModelFacts(quantization="int4"))))
    made.settle()

    assert made.condition("Stalled") == ("True", "UnsupportedCombination")
    assert not made.all_of("Deployment")
    spec = Spec.model_validate(made.resource["spec"])
    assert not registry.validate_pair(
        spec, builders.good(target=builders.side(facts=ModelFacts(quantization="int4")))
    ).allowed
    assert registry.validate_pair(spec, builders.good()).allowed


def test_its_containers_stand_before_and_beside_main_behind_the_verified_files() -> None:
    pod = pod_spec(world().serve())

    assert [each["name"] for each in pod["initContainers"]] == ["tandem-fetch", "tandem-prepare"]
    assert [each["name"] for each in pod["containers"]] == ["main", "tandem-steer"]
    (lock,) = [e["value"] for e in pod["initContainers"][0]["env"] if e["name"] == "TANDEM_LOCK"]
    assert '"plugin":"none"' in lock


def test_its_files_are_mounted_as_the_revision_has_them_and_go_when_no_revision_is_left() -> None:
    made = world().serve()
    (volume,) = [each for each in pod_spec(made)["volumes"] if each["name"] == "repository"]
    name = volume["configMap"]["name"]

    assert made.objects["ConfigMap", name]["data"] == {"model.json": '{"draft": true}'}
    del made.objects["ConfigMap", name]
    made.settle()
    assert ("ConfigMap", name) in made.objects, "lost files come back from the revision"

    made.add(
        {
            **made.objects["ConfigMap", name],
            "metadata": {
                **made.objects["ConfigMap", name]["metadata"],
                "name": "chat-repository-0",
                "uid": "old",
            },
        }
    )
    made.settle()
    assert ("ConfigMap", "chat-repository-0") not in made.objects
    assert ("ConfigMap", name) in made.objects


def test_depths_are_those_that_it_was_started_with() -> None:
    made = world().serve()
    made.tuning = builders.tuning(made.lock_hash)
    made.settle()

    table = next(each for each in made.all_of("ConfigMap") if "speculation.json" in each["data"])
    assert "[[1,8,4],[9,256,0]]" in table["data"]["speculation.json"].replace(" ", "")


def test_its_metrics_are_read_where_it_says_and_as_it_says() -> None:
    made = world().serve()
    for pod in made.engine_pods():
        pod["status"]["podIP"] = "127.0.0.1"
    (replica,) = replicas_of(builders.UID, list(made.objects.values()))
    monitor = made.only("PodMonitor")
    (main, _) = pod_spec(made)["containers"]

    assert replica.url == "http://127.0.0.1:9101/figures"
    assert (replica.tiers, replica.speculation_loaded) == ((0, 2, 4), True)
    assert monitor["spec"]["podMetricsEndpoints"] == [{"port": "figures", "path": "/figures"}]
    assert "http://127.0.0.1:9101/figures" in main["lifecycle"]["preStop"]["exec"]["command"]
    assert made.only("Service")["spec"]["ports"][0]["targetPort"] == "http"


def page(steps: int, requests: str = "made_up_requests") -> str:
    return f"""
{requests}{{state="running"}} 3
{requests}{{state="queued"}} 1
made_up_steps_total {steps}
made_up_tokens_total{{kind="output"}} {3 * steps}
made_up_tokens_total{{kind="prompt"}} 70
made_up_drafted_total{{token_position="0"}} {steps}
made_up_drafted_total{{token_position="1"}} {steps}
made_up_accepted_total{{token_position="0"}} {steps / 2}
made_up_accepted_total{{token_position="1"}} {steps / 4}
other_requests{{state="running"}} 99
"""


@pytest.mark.parametrize("requests", ["made_up_requests", "madeup:requests"])
def test_a_page_becomes_a_window_whatever_its_series_are_called(requests: str) -> None:
    reader = registry.driver(EngineType.NEURON).metrics
    before, after = (
        reader.read(parse(page(steps, requests), reader.prefixes), at_s)
        for steps, at_s in ((100, 0.0), (140, 10.0))
    )

    window = window_between(before, after, replica="chat-1", speculation_loaded=True)

    assert (window.running, window.waiting) == (3, 1)
    assert (window.request_steps, window.generated_tokens, window.prefill_tokens) == (40, 120, 0)
    assert (window.drafts, window.draft_tokens) == (40, 80)
    assert window.drafted_by_position == (40, 40)
    assert window.accepted_by_position == (20, 10)
    assert reader.counts_drafts(parse(page(1), reader.prefixes))
