"""The same input gives the same bytes, in this release as in the last one.

`python -m tests.unit.planning.rendered` writes the bytes that are kept.
"""

from __future__ import annotations

import json

import pytest

from tests.unit.planning import rendered

MANIFESTS = rendered.manifests()


@pytest.mark.parametrize("example", MANIFESTS)
def test_an_example_is_rendered_to_the_bytes_that_are_kept(example: str) -> None:
    kept = rendered.stored(example)

    assert kept.exists(), f"a new example: {rendered.COMMAND}"
    assert rendered.text(MANIFESTS[example]) == kept.read_text(), f"if wanted: {rendered.COMMAND}"


@pytest.mark.parametrize("example", MANIFESTS)
def test_what_is_kept_goes_from_the_lock_to_a_tuned_table(example: str) -> None:
    bodies = rendered.bodies(MANIFESTS[example])

    kinds = [body["kind"] for body in bodies]
    assert kinds[0] == "Job"
    assert {"ControllerRevision", "PodMonitor", "Service"} <= set(kinds)
    workload = "LeaderWorkerSet" if example.startswith("several-nodes") else "Deployment"
    assert {"Deployment", "LeaderWorkerSet"} & set(kinds) == {workload}
    tables = [body["data"] for body in bodies if body["kind"] == "ConfigMap"]
    reasons = [
        json.loads(data["speculation.json"])["reason"]
        for data in tables
        if "speculation.json" in data
    ]
    spec = MANIFESTS[example]["spec"]
    mode = spec.get("tuning", {}).get("mode", "Auto")
    live = mode == "Auto" and spec["engine"]["type"] != "Neuron"
    expected = ("Initial", "Tuned") if live else (mode, mode)
    assert (reasons[0], reasons[-1]) == expected
    assert "state.json" in tables[-1]


def test_nothing_is_kept_of_an_example_that_is_no_more() -> None:
    assert sorted(rendered.STORED.glob("*.json")) == sorted(map(rendered.stored, MANIFESTS))
