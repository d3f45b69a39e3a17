"""Days of the rules alone: any load and acceptance, pods that take minutes to be replaced.

What must hold in each of them: one rollout at a time, few in a day, and rest where nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.rollout_times import RolloutTimes
from tandem_operator.planning.rollout.evidence import CanaryView, DecayView, RolloutEvidence
from tandem_operator.planning.rollout.state import Form, RolloutState
from tandem_operator.planning.rollout.transitions import RolloutProgress, next_state
from tests.unit.planning import builders

TIMES = RolloutTimes()
STEP_S = 120.0
MOST_A_DAY = 12


def spec_of(**tuning: object) -> Spec:
    raw = builders.resource({f"tuning.{name}": value for name, value in tuning.items()})
    return Spec.model_validate(raw["spec"])


@dataclass
class Day:
    """One resource. ``rolls_s``: what replacing all pods takes; a canary's start takes half."""

    spec: Spec
    rolls_s: float = 600.0
    now: datetime = builders.START
    state: RolloutState = field(default_factory=lambda: RolloutState(1))
    runs: Form = Form.LOADED
    until: datetime | None = None
    off_since: datetime | None = None
    worth_since: datetime | None = None
    measured_s: float = 0.0
    rollouts: list[datetime] = field(default_factory=list)

    def step(self, *, pays: bool, acceptance: float, load: float = 4.0) -> None:
        """Two minutes in which a draft pays or not, at that acceptance."""
        self.now += timedelta(seconds=STEP_S)
        if self.until is not None and self.now >= self.until:
            self.until = None
        if self.runs is Form.LOADED:
            self.off_since = None if pays else self.off_since or self.now
        self.worth_since = (self.worth_since or self.now) if pays else None
        canary = None
        if self.runs is Form.CANARY and self.until is None:
            self.measured_s += STEP_S
            drafts = self.measured_s * load
            own = 0.010 if pays else 0.030
            canary = CanaryView("canary", self.measured_s, drafts, acceptance, own, 0.020)
        evidence = RolloutEvidence(
            off_since=self.off_since,
            off_reason="NotProfitable",
            batch=load,
            worth=3 if pays and self.runs is not Form.LOADED else 0,
            worth_since=self.worth_since,
            canary=canary,
        )
        settled = self.until is None
        after = next_state(
            self.state, self.spec, evidence, RolloutProgress(settled), self.now, TIMES
        )
        if after.form is not self.runs:
            assert settled, "a second rollout began before the first was done"
            whole = Form.CANARY not in (after.form, self.runs) or after.form is Form.LOADED
            if whole:
                self.rollouts.append(self.now)
            seconds = self.rolls_s if whole else self.rolls_s / 2
            self.until = self.now + timedelta(seconds=seconds)
            self.off_since, self.measured_s = None, 0.0
        self.state, self.runs = after, after.form

    def in_the_last(self, hours: float) -> int:
        return sum(at > self.now - timedelta(hours=hours) for at in self.rollouts)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    phases=st.lists(
        st.tuples(st.integers(1, 120), st.booleans(), st.floats(0, 1)), min_size=1, max_size=30
    ),
    rolls_s=st.sampled_from((60.0, 600.0, 3600.0)),
)
def test_days_of_any_traffic_see_few_rollouts_and_come_to_rest(
    phases: list[tuple[int, bool, float]], rolls_s: float
) -> None:
    day = Day(spec_of(offMode="Redeploy"), rolls_s)
    for steps, pays, acceptance in phases:
        for _ in range(steps):
            day.step(pays=pays, acceptance=acceptance)
            assert day.in_the_last(24) <= MOST_A_DAY

    for _ in range(int(30 * 3600 / STEP_S)):
        day.step(pays=True, acceptance=0.9)
    assert day.runs is Form.LOADED
    assert day.in_the_last(1) == 0


def test_traffic_that_turns_every_quarter_of_an_hour_is_followed_ever_more_slowly() -> None:
    day = Day(spec_of(offMode="Redeploy"))
    for step in range(int(72 * 3600 / STEP_S)):
        day.step(pays=(step // 8) % 2 == 0, acceptance=0.8)

    assert day.in_the_last(24) <= 3
    assert len(day.rollouts) >= 2


def test_a_draft_that_never_pays_again_is_tried_ever_more_rarely() -> None:
    day = Day(spec_of(offMode="Redeploy"))
    tries: list[datetime] = []
    for _ in range(int(14 * 86_400 / STEP_S)):
        before = day.runs
        day.step(pays=False, acceptance=0.1)
        if before is not Form.CANARY and day.runs is Form.CANARY:
            tries.append(day.now)

    assert len(day.rollouts) == 1, "only the way out"
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps == sorted(gaps)
    assert len(tries) < 20


def test_nothing_is_decided_without_metrics() -> None:
    current = RolloutState(1)
    after = next_state(
        current, spec_of(offMode="Redeploy"), None, RolloutProgress(True), builders.START, TIMES
    )

    assert after is current


def test_nothing_begins_before_the_canary_has_left() -> None:
    current = RolloutState(1, since=builders.START)
    seen = RolloutEvidence(batch=4.0, decay=DecayView(builders.START, 0.8, 0.6))
    spec, now = spec_of(onDecay="Restart"), builders.START + timedelta(hours=1)

    assert (
        next_state(current, spec, seen, RolloutProgress(True, canary_exists=True), now, TIMES)
        is current
    )
    assert next_state(current, spec, seen, RolloutProgress(True), now, TIMES).restarted == now


REDEPLOY = {"offMode": "Redeploy"}
OUT = RolloutState(1, Form.REMOVED, builders.START, TIMES.first_dwell, cause="NotProfitable")
TRIED = replace(OUT, form=Form.CANARY, tokens=3, in_vain=2)
GOOD = CanaryView("canary", TIMES.canary_for, TIMES.canary_drafts, 0.8, 0.010, 0.020)


def after(
    current: RolloutState, seconds: float, tuning: dict[str, object] | None = None, **fields: Any
) -> RolloutState:
    """What is decided so many seconds after `current` began."""
    now = builders.START + timedelta(seconds=seconds)
    spec = spec_of(**REDEPLOY, **(tuning or {}))
    return next_state(current, spec, RolloutEvidence(**fields), RolloutProgress(True), now, TIMES)


def test_each_canary_in_vain_doubles_the_time_until_the_next_question() -> None:
    current, four_times_s = replace(OUT, in_vain=2), 4 * TIMES.probe_after

    assert after(current, four_times_s - 1, batch=2.0) is current
    assert after(current, four_times_s, batch=2.0).form is Form.CANARY


def test_a_canary_that_accepted_nothing_says_so() -> None:
    nothing = after(TRIED, 600, canary=replace(GOOD, acceptance_rate=0.0))
    assert nothing.message.startswith("the canary accepted 0 % of ")


def test_above_the_largest_concurrency_no_canary_begins() -> None:
    limit: dict[str, object] = {"thresholds": {"maxConcurrency": 8}}
    fields = {"worth": 3, "worth_since": builders.START}

    assert after(OUT, 7200, limit, batch=9.0, **fields) is OUT
    assert after(OUT, 7200, limit, batch=8.0, **fields).form is Form.CANARY


def test_after_a_canary_in_vain_a_lifted_switch_is_no_reason_any_more() -> None:
    current = replace(OUT, cause="KillSwitch")

    assert after(current, 7200, batch=2.0).form is Form.CANARY
    current = replace(current, in_vain=1)
    assert after(current, 7200, batch=2.0) is current


def test_a_canary_is_judged_by_enough_seconds_and_enough_drafts() -> None:
    short = replace(GOOD, seconds=GOOD.seconds - 1)
    few = replace(GOOD, drafts=GOOD.drafts - 1)
    for seen in (short, few, None):
        assert after(TRIED, 600, canary=seen) is TRIED

    decided_state = after(TRIED, 600, canary=GOOD)
    assert (decided_state.form, decided_state.in_vain, decided_state.tokens) == (
        Form.LOADED,
        0,
        None,
    )


def test_its_deadline_begins_when_it_may_have_started() -> None:
    deadline_s = 3600 + TIMES.canary_deadline

    assert after(TRIED, deadline_s - 1) is TRIED
    decided_state = after(TRIED, deadline_s)
    assert (decided_state.form, decided_state.in_vain) == (Form.REMOVED, 3)
