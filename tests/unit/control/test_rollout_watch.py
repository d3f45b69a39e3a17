"""What the loop measures for rollouts: how long it is off, what a draft would bring, the canary."""

from __future__ import annotations

from dataclasses import replace

from tandem_operator.control.rollouts.rollout_watch import RolloutWatch
from tandem_operator.control.tuner import Tuner
from tandem_operator.tuning import initial_state
from tests.unit.control.rollout_samples import LOCK, SETTINGS, replica, sample, tuner


def rounds(watch: RolloutWatch, at: range, running: float, loaded: bool, by: Tuner) -> RolloutWatch:
    for now_s in at:
        one = replica("a", loaded=loaded)
        watch.take((one,), {"a": sample(now_s, running)}, by, SETTINGS, now_s)
    return watch


def test_off_counts_from_the_first_round_that_drafts_nothing_at_this_load() -> None:
    off = tuner(schedule=((1, 8, 3), (9, 256, 0)), reason="NotProfitable")
    watch = rounds(RolloutWatch(LOCK), range(1000, 1300, 10), 20.0, True, off)

    seen = watch.evidence()
    assert seen.off_since is not None
    assert seen.off_since.timestamp() == 1000
    assert seen.off_reason == "NotProfitable"

    rounds(watch, range(1300, 1400, 10), 4.0, True, off)
    assert watch.evidence().off_since is None


def test_an_idle_engine_is_neither_off_nor_on() -> None:
    off = tuner(schedule=((1, 256, 0),), reason="NotProfitable")
    watch = rounds(RolloutWatch(LOCK), range(0, 300, 10), 0.0, True, off)

    assert watch.evidence().off_since is None


def test_without_a_draft_the_last_table_with_one_says_whether_it_would_pay() -> None:
    learned = initial_state(SETTINGS)
    by = tuner(learned, schedule=((1, 256, 0),))
    watch = rounds(RolloutWatch(LOCK), range(0, 100, 10), 4.0, False, by)

    seen = watch.evidence()
    assert seen.off_since is None
    assert seen.worth > 0
    assert seen.worth_since is not None
    assert seen.worth_since.timestamp() == 0

    refused = replace(learned, guardrail=replace(learned.guardrail, off=True))
    watch = rounds(RolloutWatch(LOCK), range(0, 100, 10), 4.0, False, tuner(refused))
    assert watch.evidence().worth == 0


def test_without_what_was_learned_the_start_table_says_whether_a_canary_is_worth_it() -> None:
    watch = rounds(RolloutWatch(LOCK), range(0, 100, 10), 4.0, False, tuner())

    assert watch.evidence().worth == initial_state(SETTINGS).tokens_in_force(4.0) > 0


def test_the_canary_is_measured_against_the_pods_beside_it() -> None:
    watch = RolloutWatch(LOCK)
    pods = (replica("a", loaded=False), replica("c", canary=True))
    for count, now_s in enumerate(range(0, 600, 10)):
        own = sample(
            now_s,
            2.0,
            generated_tokens=100.0 * count,
            request_step_seconds=1.0 * count,
            drafts=40.0 * count,
            draft_tokens=40.0 * count,
            accepted=30.0 * count,
        )
        other = sample(now_s, 2.0, generated_tokens=100.0 * count, request_step_seconds=2.0 * count)
        watch.take(pods, {"a": other, "c": own}, tuner(), SETTINGS, now_s)

    seen = watch.evidence().canary
    assert seen is not None
    assert seen.pod == "c"
    assert seen.seconds == 590
    assert seen.acceptance_rate == 0.75
    assert seen.drafts == 59 * 40
    assert seen.seconds_per_token == 0.01
    assert seen.others_seconds_per_token == 0.02

    watch.take(pods[:1], {"a": sample(700, 2.0)}, tuner(), SETTINGS, 700.0)
    assert watch.evidence().canary is None


def canary_rounds(watch: RolloutWatch, at: range, since_s: float) -> None:
    """The canary's counters run since then: 4 drafts a second, 3 of 4 accepted."""
    for now_s in at:
        run = now_s - since_s
        own = sample(now_s, 2.0, drafts=4 * run, draft_tokens=4 * run, accepted=3 * run)
        watch.take((replica("c", canary=True),), {"c": own}, tuner(), SETTINGS, now_s)


def test_a_canary_whose_engine_starts_again_keeps_what_it_measured_and_not_the_time_between() -> (
    None
):
    watch = RolloutWatch(LOCK)
    canary_rounds(watch, range(0, 70, 10), 0.0)
    canary_rounds(watch, range(700, 730, 10), 690.0)

    seen = watch.evidence().canary
    assert seen is not None
    assert (seen.seconds, seen.drafts) == (60 + 20, 4 * (60 + 20))
    assert seen.acceptance_rate == 0.75


def test_another_canary_begins_at_nothing() -> None:
    watch = RolloutWatch(LOCK)
    canary_rounds(watch, range(0, 70, 10), 0.0)
    other = replace(replica("c", canary=True), uid="uid-of-the-next")
    watch.take((other,), {"c": sample(80, 2.0)}, tuner(), SETTINGS, 80.0)

    seen = watch.evidence().canary
    assert seen is not None
    assert (seen.seconds, seen.drafts, seen.acceptance_rate) == (0, 0, None)


def gate(watch: RolloutWatch, first: int, last: int, *, may_stop: bool) -> None:
    """Replica a drafts for 50 s of each run only; b always does. 30 tokens a second each."""
    for now_s in range(first, last, 10):
        drafts = {"a": 8.0 * min(now_s, 50), "b": 8.0 * now_s}
        read = {
            pod: sample(now_s, 4.0, generated_tokens=30.0 * now_s, drafts=count, draft_tokens=count)
            for pod, count in drafts.items()
        }
        both = (replica("a"), replica("b"))
        watch.take(both, read, tuner(), SETTINGS, now_s, may_stop=may_stop)


def test_a_replica_that_stops_drafting_is_told_where_its_engine_may_do_so() -> None:
    watch = RolloutWatch(LOCK)
    gate(watch, 10, 100, may_stop=True)
    assert watch.evidence().stopped is None

    gate(watch, 100, 300, may_stop=True)
    stopped = watch.evidence().stopped
    assert stopped is not None
    assert (stopped.pods, stopped.of) == (("a",), 2)
    assert stopped.since.timestamp() == 60

    other = RolloutWatch(LOCK)
    gate(other, 10, 300, may_stop=False)
    assert other.evidence().stopped is None


def test_an_operator_that_comes_when_the_gate_is_closed_already_sees_it_too() -> None:
    watch = RolloutWatch(LOCK)
    gate(watch, 1000, 1200, may_stop=True)

    stopped = watch.evidence().stopped
    assert stopped is not None
    assert stopped.pods == ("a",)


def test_a_pod_that_is_gone_is_forgotten() -> None:
    watch = RolloutWatch(LOCK)
    gate(watch, 10, 300, may_stop=True)
    watch.take((replica("b"),), {}, tuner(), SETTINGS, 310.0, may_stop=True)

    assert watch.evidence().stopped is None
