"""What is known of acceptance over hours survives the operator that saw it."""

from __future__ import annotations

from tandem_operator.control.loop import TuningLoop
from tandem_operator.control.rollouts.rollout_watch import RolloutWatch
from tandem_operator.planning import TuningView
from tandem_operator.planning.children.config_maps import tuner_state
from tandem_operator.planning.resource import parse
from tests.unit.control.rollout_samples import SETTINGS, replica, sample, tuner
from tests.unit.control.rooms import KEY, Engine, ManualClock, room_of
from tests.unit.planning import builders

RESOURCE = parse(builders.resource())


def test_the_hours_before_the_draft_was_taken_out_say_nothing_of_the_one_that_comes_back() -> None:
    """It may come to other texts: a lower acceptance than theirs is no decay."""
    watch = RolloutWatch("lock")
    by = tuner(schedule=((1, 256, 3),))

    def hours(minutes: range, share: float, *, loaded: bool) -> None:
        by.judged = (100.0 * share, 100.0 * (1 - share))
        for minute in minutes:
            now_s = 60.0 * minute
            pods = (replica("a", loaded=loaded),)
            watch.take(pods, {"a": sample(now_s, 4.0)}, by, SETTINGS, now_s)

    hours(range(130), 0.8, loaded=True)
    hours(range(130, 175), 0.4, loaded=True)
    assert watch.evidence().decay is not None, "with the same draft it is one"

    hours(range(175, 180), 0.0, loaded=False)
    hours(range(180, 225), 0.4, loaded=True)
    assert watch.evidence().decay is None


async def test_a_new_leader_knows_the_acceptance_of_the_hours_before(engine: Engine) -> None:
    clock = ManualClock()
    first = room_of(engine, clock, lambda key: None)
    rounds = 0

    async def hours(room: TuningLoop, minutes: int, share: float) -> TuningView:
        nonlocal rounds
        for _ in range(minutes):
            rounds += 1
            engine.run(rounds, accepted_share=share)
            await room.run_once(KEY)
            clock.at_s += 60
        view = room.view(KEY)
        assert view is not None
        assert view.rollout is not None
        return view

    before = await hours(first, 130, 0.8)
    stored = tuner_state.body(RESOURCE, before)
    assert stored is not None
    second = room_of(engine, clock, lambda key: None, stored)
    at_first = await hours(second, 1, 0.55)
    assert tuner_state.body(RESOURCE, at_first) == stored, "a new leader writes nothing new"
    later = await hours(second, 45, 0.55)

    assert later.rollout is not None
    assert later.rollout.decay is not None
    assert later.rollout.decay.level > 0.75
    alone = await hours(room_of(engine, clock, lambda key: None), 45, 0.55)
    assert alone.rollout is not None
    assert alone.rollout.decay is None
