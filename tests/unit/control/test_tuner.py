"""A resource's tuner between two rounds: what it keeps, forgets, tells and when it is due."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tandem_operator.control.state_cache import Remembered
from tandem_operator.control.tuner import PERSIST_EVERY_S, QUICK_FOR_S, RATE_OVER_S, Tuner
from tandem_operator.engines.metrics.sample import EngineSample
from tandem_operator.engines.vllm import DRIVER
from tandem_operator.metrics.page import parse
from tandem_operator.metrics.replicas import Replica
from tandem_operator.tuning import Settings
from tests.unit.metrics import builders

SETTINGS = Settings(max_tokens=5, tiers=(0, 1, 3, 5))
LOCK = "aaaa"
PREFIXES = ("vllm:", "vllm_", "tandem:")


def replica(pod: str = "chat-1", shape: str = "s") -> Replica:
    return Replica(pod, f"uid-{pod}", "127.0.0.1", 8000, LOCK, shape, True, (0, 1, 3, 5))


def sample(at_s: float, scale: float = 1.0, accepted: float = 80, **more: Any) -> EngineSample:
    page = builders.stock_page(
        steps=100 * scale, seconds=scale, iterations=50 * scale, generated=300 * scale,
        first=4 * scale, prompt=80 * scale, drafts=90 * scale, draft_tokens=270 * scale,
        accepted=(accepted * scale, 60 * scale, 40 * scale),
    )  # fmt: skip
    return replace(DRIVER.metrics.read(parse(page, PREFIXES), at_s), **more)


class Scene:
    def __init__(self, remembered: Remembered | None = None) -> None:
        self.tuner = Tuner.resumed(
            LOCK, "s", SETTINGS, 10.0, 0.0, remembered or Remembered(None, None, (), False)
        )

    def take(
        self, now_s: float, samples: dict[str, EngineSample], *more: str, **options: bool
    ) -> None:
        pods = tuple(replica(pod) for pod in sorted({*samples, *more}))
        self.tuner.take(pods, samples, {}, SETTINGS, now_s, **options)


def test_the_first_reading_of_a_pod_is_no_window() -> None:
    scene = Scene()
    scene.take(2.0, {"chat-1": sample(2.0, 5)})

    view = scene.tuner.view()
    assert view is not None
    assert view.acceptance_rate is None


def test_two_readings_tell_the_rate_by_drafts_that_were_reached() -> None:
    scene = Scene()
    scene.take(2.0, {"chat-1": sample(2.0, 1)})
    scene.take(4.0, {"chat-1": sample(4.0, 2)})

    view = scene.tuner.view()
    assert view is not None and view.acceptance_rate is not None
    # 180 accepted of 90 drafts 3 deep: 40 of them held to the end, so 50 ended in a rejection.
    assert view.acceptance_rate == pytest.approx(180 / 230)
    assert view.mean_accepted_tokens == pytest.approx(2.0)


def test_the_rate_forgets_what_is_older_than_a_minute() -> None:
    scene = Scene()
    scene.take(0.0, {"chat-1": sample(0.0, 0)})
    scene.take(2.0, {"chat-1": sample(2.0, 1, accepted=61)})
    late_s = 2.0 + RATE_OVER_S + 1.0
    scene.take(late_s - 2.0, {"chat-1": sample(late_s - 2.0, 1, accepted=61)})
    scene.take(late_s, {"chat-1": sample(late_s, 2, accepted=75)})

    view = scene.tuner.view()
    assert view is not None and view.mean_accepted_tokens is not None
    assert view.mean_accepted_tokens == pytest.approx((150 - 61 + 60 + 40) / 90)


def test_a_pod_that_left_and_came_back_begins_anew() -> None:
    """Its counters of before would make a window of minutes."""
    scene = Scene()
    scene.take(2.0, {"chat-1": sample(2.0, 1), "chat-2": sample(2.0, 1)})
    scene.take(4.0, {"chat-1": sample(4.0, 1)})
    scene.take(90.0, {"chat-1": sample(90.0, 1), "chat-2": sample(90.0, 9)})

    view = scene.tuner.view()
    assert view is not None
    assert view.acceptance_rate is None


def test_a_pod_that_was_not_answered_keeps_what_it_was_read_at() -> None:
    scene = Scene()
    scene.take(2.0, {"chat-1": sample(2.0, 1)})
    scene.take(4.0, {}, "chat-1")
    scene.take(6.0, {"chat-1": sample(6.0, 2)})

    view = scene.tuner.view()
    assert view is not None and view.acceptance_rate is not None


def test_pods_of_another_shape_teach_nothing() -> None:
    scene = Scene()
    for scale in (1, 2):
        other = replica(shape="another")
        at_s = 2.0 * scale
        scene.tuner.take((other,), {"chat-1": sample(at_s, scale)}, {}, SETTINGS, at_s)

    view = scene.tuner.view()
    assert view is not None
    assert view.acceptance_rate is None


def test_the_next_round_is_soon_after_a_change_and_at_the_interval_later() -> None:
    scene = Scene()
    scene.take(2.0, {"chat-1": sample(2.0, 1)})
    scene.take(4.0, {"chat-1": sample(4.0, 2)})
    changed_s = scene.tuner.decided_at_s

    assert scene.tuner.due_in_s(changed_s + QUICK_FOR_S - 0.1, 2.0) == 2.0
    assert scene.tuner.due_in_s(changed_s + QUICK_FOR_S + 0.1, 2.0) == 10.0


def test_before_any_reading_the_numbers_are_unknown_and_the_round_is_soon() -> None:
    scene = Scene()

    assert scene.tuner.view() is None
    assert scene.tuner.due_in_s(1e6, 2.0) == 2.0


def test_what_nobody_acts_on_is_not_kept() -> None:
    scene = Scene()
    for scale in (1, 2, 3):
        at_s = 2.0 * scale
        scene.take(at_s, {"chat-1": sample(at_s, scale)}, recorded=False)

    view = scene.tuner.view()
    assert view is not None
    assert (view.state_due, view.records_json) == (False, None)


def test_state_is_kept_every_ten_minutes_only_while_something_was_learned() -> None:
    scene = Scene()
    for step in range(1, 4):
        scene.take(2.0 * step, {"chat-1": sample(2.0 * step, step)})
    first = scene.tuner.view()
    assert first is not None

    def kept_at(now_s: float, scale: float, running: float) -> str | None:
        scene.take(now_s, {"chat-1": sample(now_s, scale, running=running)})
        view = scene.tuner.view()
        assert view is not None
        return view.state_json

    idle_s = 6.0 + PERSIST_EVERY_S + 100.0
    before = kept_at(idle_s, 3, 0)
    after = kept_at(idle_s + PERSIST_EVERY_S + 1.0, 3, 0)
    assert before == after
    assert kept_at(idle_s + PERSIST_EVERY_S + 3.0, 4, 2) != after


def test_a_state_that_cannot_be_read_starts_anew() -> None:
    scene = Scene(Remembered("{", None, (), True))
    scene.take(2.0, {"chat-1": sample(2.0, 1)})

    assert scene.tuner.decision is not None


def test_a_view_tells_what_each_pod_reports() -> None:
    page = builders.stock_page() + builders.plugin_lines(generation=7)
    scene = Scene()
    scene.take(2.0, {"chat-1": DRIVER.metrics.read(parse(page, PREFIXES), 2.0)}, "chat-2")

    view = scene.tuner.view()
    assert view is not None
    one, silent = view.replicas
    assert (one.pod, one.applied_generation, one.mode, one.epoch) == ("chat-1", 7, "lookup", "e1")
    assert (one.effective_tokens, one.running) == (5, 2)
    assert (silent.pod, silent.mode, silent.running) == ("chat-2", None, None)


def test_segments_have_rates_of_their_own_over_all_pods() -> None:
    scene = Scene()
    for step in (1, 2, 3):
        one = sample(2.0 * step, step, segments={"chat": (30.0 * step, 10.0 * step)})
        two = sample(2.0 * step, step, segments={"chat": (10.0 * step, 10.0 * step), "new": (0, 0)})
        scene.take(2.0 * step, {"chat-1": one, "chat-2": two})

    view = scene.tuner.view()
    assert view is not None
    assert view.segments == {"chat": pytest.approx(80 / 120)}


def test_a_decision_before_any_traffic_is_no_record() -> None:
    scene = Scene()
    scene.take(2.0, {"chat-1": sample(2.0, 1, running=0.0)})
    scene.take(4.0, {"chat-1": sample(4.0, 1, running=0.0)})

    view = scene.tuner.view()
    assert view is not None
    assert view.records_json is None


def test_drafted_and_wasted_tokens_are_counted_over_all_pods_and_restarts() -> None:
    scene = Scene()
    scene.take(2.0, {"chat-1": sample(2.0, 1), "chat-2": sample(2.0, 1)})
    scene.take(4.0, {"chat-1": sample(4.0, 2), "chat-2": sample(4.0, 3)})
    scene.take(6.0, {"chat-1": sample(6.0, 1), "chat-2": sample(6.0, 3)})

    view = scene.tuner.view()
    assert view is not None
    # A scale is 270 tokens drafted, 180 of them accepted. A pod that restarts counts again.
    assert (view.drafted_tokens, view.wasted_tokens) == (3 * 270, 3 * 90)
