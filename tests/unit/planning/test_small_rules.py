"""Rules that a word decides: each of these changes its answer when that word is another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.rollout_times import RolloutTimes
from tandem_operator.planning import resource, workload
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.rollout.evidence import DecayView, RolloutEvidence
from tandem_operator.planning.rollout.state import Form, RolloutState
from tandem_operator.planning.rollout.transitions import RolloutProgress as Pods
from tandem_operator.planning.rollout.transitions import next_state
from tandem_operator.planning.status import depth_notes
from tandem_runtime.contract.report import LockFailure
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.redeployed import (
    off,
    removed,
    report_metrics,
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
    current = RolloutState(1, since=builders.START)
    now = builders.START + timedelta(days=1)

    assert next_state(current, spec_of(changes), DECAYS, Pods(True), now, RolloutTimes()) is current


def test_the_next_reconciliation_comes_at_the_sooner_of_two_times() -> None:
    """A canary is measured every ten seconds; its own deadline is minutes away."""
    world = removed()
    world.pass_time(1801)
    worth(world)

    again_s = world.reconcile().requeue_after_s
    assert again_s is not None
    assert again_s <= 10.0


@pytest.mark.parametrize(("remove_after_s", "requeue_s"), [(60.0, 6.0), (3600.0, 60.0)])
def test_pods_that_are_off_are_reconciled_ten_times_until_the_draft_goes_and_every_minute_at_least(
    remove_after_s: float, requeue_s: float
) -> None:
    world = served()
    world.installation = replace(
        world.installation, rollout_times=RolloutTimes(remove_after=remove_after_s)
    )
    off(world, 1)
    world.pass_time(61)
    report_metrics(world, off_since=world.now, off_reason="NotProfitable", batch=4.0)

    assert world.reconcile().requeue_after_s == requeue_s


def test_pods_without_the_draft_are_reconciled_every_minute_whatever_becomes_of_a_new_pair() -> (
    None
):
    world = removed()
    world.pass_time(61)
    assert world.reconcile().requeue_after_s == 60.0

    world.edit({"draft.uri": "hf://org/other"})
    world.settle()
    world.lock_ends(LockFailure("ModelNotFound", "draft", "hf://org/other does not exist"))
    world.settle()
    world.pass_time(61)
    assert world.reconcile().requeue_after_s == 60.0


@pytest.mark.parametrize(
    ("cause", "changes", "form"),
    [
        ("Decayed", {"tuning.onDecay": "Redeploy"}, Form.REMOVED),
        ("Decayed", {"tuning.onDecay": "Report"}, Form.LOADED),
        ("NotProfitable", {"tuning.onDecay": "Redeploy"}, Form.LOADED),
        ("NotProfitable", {"tuning.offMode": "Redeploy"}, Form.REMOVED),
    ],
)
def test_the_draft_stays_out_only_while_the_spec_asks_for_it_by_the_cause_that_took_it_out(
    cause: str, changes: Object, form: Form
) -> None:
    state = RolloutState(1, Form.REMOVED, builders.START, cause=cause)
    now = builders.START + timedelta(minutes=1)

    after = next_state(state, spec_of(changes), None, Pods(True), now, RolloutTimes())
    assert after.form is form


def test_of_a_workload_that_is_not_there_nothing_is_wanted_and_nothing_runs() -> None:
    counts = workload.read(
        builders.NAME,
        ObservedObjects(resource.parse(builders.resource()), ()),
        None,
        builders.START,
    )

    assert not counts.rolled_out
    assert {counts.wanted, counts.replicas, counts.ready, counts.updated} == {0}


def test_where_k_is_live_observe_says_what_the_tuner_would_decide() -> None:
    world = served({"tuning.mode": "Observe"})
    report_metrics(world, batch=4.0)
    world.settle()

    assert world.message("SpeculationActive").startswith("Auto would decide Active: Tuned")


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

    assert len(depth_notes.messages(spec, tiers)) == notes
