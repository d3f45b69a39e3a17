"""Rules that a word decides: each of these changes its answer when that word is another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.rollout_times import RolloutTimes
from tandem_operator.planning.rollout.decide import World as Pods
from tandem_operator.planning.rollout.decide import decided
from tandem_operator.planning.rollout.evidence import DecayView, RolloutEvidence
from tandem_operator.planning.rollout.state import RolloutState
from tandem_operator.planning.status import depth_notes
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.redeployed import (
    removed,
    served,
    worth,
)

DECAYS = RolloutEvidence(batch=4.0, decay=DecayView(builders.START, 0.8, 0.6))


def spec_of(changes: Object) -> Spec:
    return Spec.model_validate(builders.resource(changes)["spec"])


@pytest.mark.parametrize(
    "changes",
    [
        {"tuning.onDecay": "Report"},
        {"tuning.onDecay": "Restart", "tuning.mode": "Observe"},
    ],
)
def test_decay_restarts_pods_only_where_it_is_asked_for_and_something_is_applied(
    changes: Object,
) -> None:
    held = RolloutState(1, since=builders.START)
    now = builders.START + timedelta(days=1)

    assert decided(held, spec_of(changes), DECAYS, Pods(True), now, RolloutTimes()) is held


def test_a_look_comes_again_at_the_sooner_of_two_times() -> None:
    """A canary is measured every ten seconds; its own deadline is minutes away."""
    world = removed()
    world.pass_time(1801)
    worth(world)

    again_s = world.look().look_again_s
    assert again_s is not None
    assert again_s <= 10.0


def test_status_lists_no_more_segments_than_the_definition_takes() -> None:
    world = served()
    segments = {f"segment-{number:02d}": 0.5 for number in range(20)}
    world.tuning = builders.tuning(world.lock_hash, segments=segments)
    world.settle()

    listed = [each["name"] for each in world.resource["status"]["speculation"]["segments"]]
    assert listed == [f"segment-{number:02d}" for number in range(16)]


@pytest.mark.parametrize(("tiers", "notes"), [((7,), 0), ((), 0), ((0, 4), 1)])
def test_a_depth_is_said_to_be_lowered_where_there_is_more_than_one(
    tiers: tuple[int, ...], notes: int
) -> None:
    spec = spec_of({"speculation.maxTokens": 5})

    assert len(depth_notes.event_records(spec, tiers)) == notes
