"""The annotation `tandem.dev/refresh` is a wish while it is there, and none once it is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.planning import builders
from tests.unit.planning.world import World

NEWER = "registry.example/tandem-runtime:0.2.0"


def annotate(world: World, value: str | None) -> None:
    builders.put(world.resource["metadata"], "annotations", {})
    if value is not None:
        world.resource["metadata"]["annotations"]["tandem.dev/refresh"] = value


def image(world: World) -> str:
    fetch = world.only("Deployment")["spec"]["template"]["spec"]["initContainers"][0]
    return str(fetch["image"])


def locked_anew(world: World) -> None:
    world.settle()
    world.lock_ends(builders.good())
    world.settle()
    world.roll_out()
    world.settle()
    world.pass_time(60)
    world.settle()


@pytest.fixture
def refreshed() -> World:
    """A pair that took a new runtime image by the annotation."""
    world = World().serve()
    world.pass_time(60)
    world.settle()
    world.installation = replace(world.installation, runtime_image=NEWER)
    world.settle()
    assert not image(world).endswith("0.2.0"), "an upgrade alone rolls nothing"
    annotate(world, "1")
    locked_anew(world)
    assert image(world) == NEWER
    return world


def test_an_annotation_that_is_taken_away_changes_nothing(refreshed: World) -> None:
    before = refreshed.writes.copy()
    annotate(refreshed, None)

    refreshed.settle()

    assert image(refreshed) == NEWER
    assert refreshed.condition("Reconciling") is None
    assert refreshed.writes == before


def test_another_value_is_another_wish(refreshed: World) -> None:
    annotate(refreshed, "2")

    refreshed.settle()

    assert refreshed.condition("Reconciling") == ("True", "Locking")


def test_without_it_other_fields_are_locked_and_come_back_as_they_were(refreshed: World) -> None:
    annotate(refreshed, None)
    refreshed.edit({"speculation.maxTokens": 5})
    locked_anew(refreshed)

    refreshed.edit({"speculation.maxTokens": 7})
    refreshed.settle()

    assert not refreshed.all_of("Job"), "the pair is locked already"
    assert image(refreshed) == NEWER


def test_a_wish_that_is_withdrawn_before_it_is_locked_is_forgotten() -> None:
    world = World().serve()
    world.pass_time(60)
    world.settle()
    annotate(world, "1")
    world.settle()
    assert world.all_of("Job")

    annotate(world, None)
    world.settle()

    assert not world.all_of("Job")
    assert world.condition("Reconciling") is None
