"""The series about each resource: what they say, that they are few, and that they end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tandem_operator.api.conditions import ConditionType
from tandem_operator.planning import TuningView
from tandem_operator.telemetry.metrics import Metrics
from tandem_operator.telemetry.resources import ResourceSeries
from tests.unit.planning import builders
from tests.unit.planning.world import World

Object = dict[str, Any]

MOST_SERIES = len(ConditionType) + 16 + 14
"""Of one resource, as the page for administrators says."""


def page(resources: list[Object], view: TuningView | None = None) -> dict[str, float]:
    metrics = Metrics("1")
    metrics.add(ResourceSeries(lambda: resources, lambda key: view))
    lines = metrics.page().decode().splitlines()
    lines_of_resources = [
        line.rpartition(" ") for line in lines if line.startswith("tandem_resource_")
    ]
    return {name: float(value) for name, _, value in lines_of_resources}


def serving() -> World:
    world = World()
    world.settle()
    world.lock_ends(builders.good())
    world.settle()
    world.roll_out()
    world.settle()
    return world


OF = '{name="chat",namespace="serving"}'


def test_a_resource_that_serves_tells_its_conditions_and_numbers() -> None:
    world = serving()
    view = replace(
        builders.tuning("lock"),
        replicas=(builders.replica("a", "lock", 4), builders.replica("b", "lock", 3)),
        drafted_tokens=100.0,
        wasted_tokens=25.0,
        mixed_depth_steps=3.0,
        segments={"code": 0.9},
    )

    page_lines = page([world.resource], view)

    ready = (
        'tandem_resource_condition{name="chat",namespace="serving",reason="Serving",type="Ready"}'
    )
    assert page_lines[ready] == 1
    assert page_lines[f"tandem_resource_ready_replicas{OF}"] == 1
    assert page_lines[f"tandem_resource_max_tokens{OF}"] == 7
    assert page_lines[f"tandem_resource_acceptance_ratio{OF}"] == 0.8
    assert page_lines[f"tandem_resource_applied_generation{OF}"] == 3
    assert page_lines[f"tandem_resource_drafted_tokens_total{OF}"] == 100
    assert page_lines[f"tandem_resource_wasted_tokens_total{OF}"] == 25
    assert page_lines[f"tandem_resource_mixed_depth_steps_total{OF}"] == 3
    segment = (
        'tandem_resource_segment_acceptance_ratio{name="chat",namespace="serving",segment="code"}'
    )
    assert page_lines[segment] == 0.9


def test_what_is_not_known_has_no_series_instead_of_a_zero() -> None:
    fresh = page([builders.resource()])

    assert f"tandem_resource_acceptance_ratio{OF}" not in fresh
    assert f"tandem_resource_speedup_ratio{OF}" not in fresh
    assert f"tandem_resource_ready_replicas{OF}" not in fresh
    unmeasured = serving().resource
    unmeasured["status"]["speculation"]["speedup"] = "-"
    assert f"tandem_resource_speedup_ratio{OF}" not in page([unmeasured])


def test_replicas_that_cannot_apply_a_table_are_not_counted_as_behind() -> None:
    resource = serving().resource
    resource["status"]["speculation"] |= {"liveMode": "Rollout", "appliedReplicas": 0}

    assert f"tandem_resource_applied_replicas{OF}" not in page([resource])

    resource["status"]["speculation"] |= {"liveMode": "Lookup"}
    assert page([resource])[f"tandem_resource_applied_replicas{OF}"] == 0


def test_a_resource_has_a_bounded_number_of_series_and_none_when_it_is_gone() -> None:
    resource = serving().resource
    resource["status"]["conditions"] = [
        {"type": kind.value, "status": "True", "reason": "Any"} for kind in ConditionType
    ]
    resource["status"]["speculation"] |= {"speedup": "2.1", "liveMode": "Lookup"}
    view = replace(
        builders.tuning("lock"),
        replicas=tuple(builders.replica(f"pod-{n}", "lock", n) for n in range(50)),
        segments={f"segment-{n}": 0.5 for n in range(500)},
    )

    assert len(page([resource], view)) <= MOST_SERIES
    assert page([], view) == {}
