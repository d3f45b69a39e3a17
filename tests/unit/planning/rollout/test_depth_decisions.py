"""The rule for a K by rollout alone: its price, its dwell, and rest where nothing changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.rollout_times import RolloutTimes
from tandem_operator.planning.rollout.depth import PodStart, chosen, next_state, pod_start
from tandem_operator.planning.rollout.evidence import DepthsView
from tandem_operator.planning.rollout.state import Form, RolloutState
from tests.unit.planning import builders

TIMES = RolloutTimes()
START = PodStart(300.0, True)
SPEC = Spec.model_validate(builders.resource()["spec"])
shares = st.floats(0.05, 20.0)


def made(depths: int, survival: float) -> tuple[float, ...]:
    """Tokens of a step by K, where each draft survives so often."""
    return tuple(accumulate(survival**place for place in range(depths)))


@st.composite
def views(draw: st.DrawFn) -> DepthsView:
    tokens = draw(st.integers(1, 8))
    ratios = draw(st.lists(shares, min_size=tokens + 1, max_size=9))
    return DepthsView(
        tokens=tokens,
        ratios=tuple(each / ratios[tokens] for each in ratios),
        deviations=tuple(draw(st.floats(0, 0.5)) for _ in ratios),
        tokens_per_step=made(len(ratios), draw(st.floats(0.05, 0.95))),
        batch=4.0,
        seconds_per_token=0.02,
        busy=draw(st.floats(0, 1)),
        seconds=3600.0,
    )


def day(seen: DepthsView, state: RolloutState, hours: float) -> RolloutState:
    """Reconciliations each ten minutes that all see the same of every K, whichever is in force."""
    now = builders.START
    for _ in range(int(hours * 6)):
        now += timedelta(minutes=10)
        own = state.depth or 7
        ratios = tuple(each / seen.ratios[own] for each in seen.ratios)
        now_seen = replace(seen, tokens=own, ratios=ratios)
        state = next_state(state, 7, SPEC, now_seen, now, TIMES, START, settled=True)
    return state


def eight(*ratios: float, deviation: float = 0.02) -> DepthsView:
    return DepthsView(7, ratios, (deviation,) * 8, made(8, 0.6), 4.0, 0.02, 1.0, 3600.0)


@given(views(), st.floats(1, 20_000), st.floats(1, 20_000))
def test_a_dearer_rollout_is_never_begun_where_a_cheaper_one_was_not(
    seen: DepthsView, one: float, other: float
) -> None:
    cheap, dear = sorted((one, other))
    if chosen(seen, 14_400, PodStart(dear, True)) is not None:
        assert chosen(seen, 14_400, PodStart(cheap, True)) is not None


@given(views(), st.floats(1, 100_000), st.floats(1, 100_000), st.floats(0, 1))
def test_a_longer_dwell_and_a_busier_replica_never_speak_against_it(
    seen: DepthsView, one: float, other: float, busier: float
) -> None:
    short, long = sorted((one, other))
    if chosen(seen, short, START) is not None:
        assert chosen(seen, long, START) is not None
        assert chosen(replace(seen, busy=max(seen.busy, busier)), short, START) is not None


@given(views())
def test_what_is_chosen_drafts_pays_its_price_and_risks_no_more_than_it_gains(
    seen: DepthsView,
) -> None:
    choice = chosen(seen, 14_400, START)
    if choice is not None:
        assert 1 <= choice.tokens != seen.tokens
        assert choice.gain == pytest.approx(1 / seen.ratios[choice.tokens] - 1)
        assert choice.gain * seen.busy * 14_400 > START.seconds
        assert choice.gain + choice.bad >= 0


@given(views())
def test_where_nothing_changes_the_pods_come_to_rest(seen: DepthsView) -> None:
    if len(seen.ratios) == 9:
        seen = replace(seen, tokens=7, ratios=seen.ratios[:8], deviations=seen.deviations[:8])
    if len(seen.ratios) < 8:
        return
    rests = day(seen, RolloutState(1), 72)

    assert day(seen, replace(rests, depth_since=None), 24).depth == rests.depth


def test_traffic_that_turns_each_hour_is_followed_ever_more_rarely() -> None:
    shallow = eight(3.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
    deep = eight(9.0, 4.0, 3.0, 2.5, 2.0, 1.5, 1.2, 1.0)
    state, now, changes = RolloutState(1), builders.START, []
    for hour in range(72):
        now += timedelta(hours=1)
        seen = shallow if hour % 2 == 0 else deep
        own = state.depth or 7
        ratios = tuple(each / seen.ratios[own] for each in seen.ratios)
        after = next_state(
            state, 7, SPEC, replace(seen, tokens=own, ratios=ratios), now, TIMES, START,
            settled=True,
        )  # fmt: skip
        if after is not state:
            changes.append(now)
        state = after

    gaps = [(b - a).total_seconds() / 3600 for a, b in pairwise(changes)]
    assert gaps[:4] == [5.0, 9.0, 17.0, 25.0], "at the first turn after 4, 8, 16 and 24 hours"
    assert min(gaps) >= 4


@pytest.mark.parametrize(
    ("state", "settled"),
    [(RolloutState(1), False), (RolloutState(1, form=Form.REMOVED), True)],
    ids=["pods are replaced", "without the draft"],
)
def test_one_rollout_at_a_time(state: RolloutState, settled: bool) -> None:
    seen = eight(3.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)

    after = next_state(state, 7, SPEC, seen, builders.START, TIMES, START, settled=settled)
    assert after is state


def test_a_deeper_k_that_nobody_knows_the_price_of_is_not_tried() -> None:
    ratios = (3.0, 2.0, 1.5, 1.0, 0.9, 0.88, 0.87, 0.86)
    seen = replace(eight(*ratios), tokens=3)

    assert chosen(seen, 14_400, START) is not None
    assert chosen(replace(seen, deviations=(0.4,) * 8), 14_400, START) is None


def test_fewer_drafts_lose_at_most_the_tokens_of_those_left_out() -> None:
    ratios = (3.0, 0.8, 0.85, 0.9, 0.95, 1.0, 1.0, 1.0)
    unknown = eight(*ratios, deviation=0.6)
    hard, easy = (replace(unknown, tokens_per_step=made(8, each)) for each in (0.2, 0.9))

    choice = chosen(hard, 14_400, START)
    assert choice is not None
    assert (choice.tokens, choice.bad) == (
        1,
        pytest.approx(1.2 / sum(0.2**k for k in range(8)) - 1),
    )
    assert chosen(easy, 14_400, START) is None


def test_a_pod_that_lost_its_readiness_for_a_while_does_not_make_rollouts_dear() -> None:
    def pod(after_s: float, status: str = "True") -> builders.Object:
        at = builders.stamp(builders.START + timedelta(seconds=after_s))
        ready = {"type": "Ready", "status": status, "lastTransitionTime": at}
        created = builders.stamp(builders.START)
        return {"metadata": {"creationTimestamp": created}, "status": {"conditions": [ready]}}

    assert pod_start([pod(90_000), pod(240), pod(5, "False")], TIMES) == PodStart(240.0, True)
    assert pod_start([pod(5, "False")], TIMES) == PodStart(600.0, False)
