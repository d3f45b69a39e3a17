"""Examples of what runs here, from their files to an answered request: Ready, drafts, K in force.

`test_serving.py`, `test_torch.py` and `test_triton.py` have the draft models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hack.images import recipes
from hack.vllm.environment import EnvironmentMissingError
from tests.e2e.examples import fitted, manifest
from tests.e2e.serving import Engine, Serving
from tests.parts import skip_without

pytestmark = [pytest.mark.node, pytest.mark.engine, pytest.mark.timeout(900)]

LIVE_MODES = {
    "torch/n-gram.yaml": "Lookup",
    "torch/layer-skip.yaml": "Lookup",
    "vllm/n-gram.yaml": "Lookup",
    "vllm/suffix.yaml": "Trim",
}
PROMPT = "def read(path):\n    return open(path).read()\n\n\n" * 3
"""Repeats itself, so that there is something to look up."""
DRAFTED = "vllm:spec_decode_num_draft_tokens_total"


@pytest.fixture
def served(place: Serving, request: pytest.FixtureRequest) -> Iterator[Serving]:
    """The example of the test's parameter, Ready."""
    example = manifest(request.param)
    name = example["metadata"]["name"]
    serving = replace(place, name=name)
    image = with_arctic(serving) if request.param == "vllm/suffix.yaml" else place.images.engine
    serving.kubectl.apply(json.dumps(fitted(example, serving, image)))
    serving.wait_ready(name, timeout_s=600)
    yield serving
    serving.kubectl.run("delete", "specdep", name)


def with_arctic(serving: Serving) -> str:
    """The image with arctic-inference, brought to the node."""
    try:
        image = recipes.arctic()
    except EnvironmentMissingError as missing:
        skip_without(missing)
    serving.cluster.load(image.archive)
    return image.reference


@pytest.mark.parametrize(
    ("served", "live_mode"), LIVE_MODES.items(), indirect=["served"], ids=LIVE_MODES
)
def test_an_example_is_ready_drafts_and_obeys_k(served: Serving, live_mode: str) -> None:
    (engine,) = served.engines()

    text = served.complete(PROMPT, 64)

    assert text
    served.wait("drafted tokens are counted", lambda: total(engine, DRAFTED) > 0)

    served.patch({"tuning": {"maxTokens": 0}})
    served.wait("K is 0 in the engine", lambda: effective(engine) == {0.0})
    drafted = total(engine, DRAFTED)

    assert served.complete(PROMPT, 64) == text
    served.wait("the resource tells it", lambda: reported(served) == (1, live_mode))
    assert total(engine, DRAFTED) == drafted
    assert set(served.restarts().values()) == {0}


def total(engine: Engine, name: str) -> float:
    return sum(value for _, value in engine.all(name))


def effective(engine: Engine) -> set[float]:
    """K of every range of batch sizes."""
    return {value for _, value in engine.all("tandem:effective_tokens")}


def reported(serving: Serving) -> tuple[int | None, str | None]:
    """Replicas that apply the table, and how K changes in them, as the resource tells it."""
    told = serving.resource()["status"].get("speculation", {})
    return told.get("appliedReplicas"), told.get("liveMode")
