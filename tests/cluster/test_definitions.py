"""Definition and operator of two releases: it is told, and no pod is rolled."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster.cluster import Cluster
from tests.cluster.outside import plane as planes
from tests.cluster.outside.plane import Plane
from tests.cluster.outside.room import Room
from tests.cluster.outside.waiting import wait
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster

Object = dict[str, Any]
CRD = Path(__file__).parents[2] / "crds" / "tandem.dev_speculativedeployments.yaml"


@pytest.fixture
def plane(new_control_plane: Callable[[], Cluster], tmp_path: Path) -> Iterator[Plane]:
    with planes.up(new_control_plane, tmp_path) as made:
        yield made


def install(plane: Plane, change: Callable[[Object], None] = lambda properties: None) -> None:
    """The definition as another release has it: its `spec` and `status` changed."""
    definition: Object = yaml.safe_load(CRD.read_text())
    change(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"])
    words = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    plane.cluster.run(*words, stdin=json.dumps(definition))


def touched(room: Room) -> tuple[str, str] | None:
    """Stalled, after somebody wrote the resource as any tool does; nothing of it changes.

    The API server takes a new definition up after some seconds, and tells nobody.
    """
    change = {"metadata": {"labels": {"touched": secrets.token_hex(4)}}}
    with contextlib.suppress(AssertionError):  # it may refuse meanwhile
        room.server.patch("specdep", room.namespace, room.name, change)
    return room.condition("Stalled")


def test_an_older_definition_stops_no_status(plane: Plane) -> None:
    def older(properties: Object) -> None:
        status = properties["status"]["properties"]
        del status["managedBy"], status["pair"]["properties"]["mixtureOfExperts"]

    install(plane, older)
    process = plane.lead()
    room = plane.room()
    room.serve(builders.good())
    assert "managedBy" not in room.resource()["status"]
    assert "tokenizerDigest" in room.resource()["status"]["pair"]
    wait("the metric", lambda: "undeclared_fields 2.0" in process.metrics())
    assert process.output().count("does not know status.managedBy") == 1


def test_a_newer_definition_and_a_field_that_comes_and_goes_roll_nothing(plane: Plane) -> None:
    plane.lead()
    room = plane.room()
    room.serve(builders.good())
    before = room.versions()

    def newer(properties: Object) -> None:
        gear = {"type": "string", "default": "high", "maxLength": 20}
        properties["spec"]["properties"]["engine"]["properties"]["gear"] = gear

    install(plane, newer)
    wait("Stalled", lambda: touched(room) == ("True", "UnsupportedCombination"), 60)
    assert "spec.engine.gear" in room.message("Stalled")
    assert room.condition("Ready") == ("True", "Serving")

    install(plane)
    wait("it is known again", lambda: touched(room) is None, 60)
    assert room.condition("Ready") == ("True", "Serving")
    assert room.condition("Reconciling") is None
    after = room.versions()
    assert {name for name in before if after.get(name) != before[name]} == set()
