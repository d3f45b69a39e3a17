"""The loop against real pages over loopback: what it learns, tells and survives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tandem_operator.control.loop import QUICK_S
from tests.unit.control.rooms import KEY, Engine, ManualClock, room_of, room_with
from tests.unit.metrics.builders import engine_pod, plugin_lines


async def test_acceptance_is_learned_and_told(engine: Engine) -> None:
    clock, reports = ManualClock(), []
    room = room_of(engine, clock, reports.append)
    for rounds in range(1, 5):
        engine.run(rounds, accepted_share=0.8)
        await room.run_once(KEY)
        clock.at_s += QUICK_S

    view = room.view(KEY)

    assert view is not None
    assert view.lock_hash == "aaaa"
    assert view.metrics.reason == "Scraped"
    assert view.acceptance_rate == pytest.approx(0.8, abs=0.01)
    assert reports and set(reports) == {KEY}


async def test_acceptance_below_the_threshold_turns_speculation_off(engine: Engine) -> None:
    clock = ManualClock()
    room = room_of(engine, clock, lambda key: None)
    for rounds in range(1, 40):
        engine.run(rounds, accepted_share=0.2)
        await room.run_once(KEY)
        clock.at_s += QUICK_S

    view = room.view(KEY)

    assert view is not None
    assert view.decision.reason == "AcceptanceBelowThreshold"
    assert {tokens for _, _, tokens in view.decision.schedule} == {0}
    assert view.records_json is not None
    assert "AcceptanceBelowThreshold" in view.records_json


async def test_a_dead_engine_is_held_first_and_then_reported(engine: Engine) -> None:
    clock = ManualClock()
    room = room_of(engine, clock, lambda key: None)
    engine.run(1, accepted_share=0.8)
    await room.run_once(KEY)
    metrics_view = room.view(KEY)
    assert metrics_view is not None
    engine.status = 503
    reasons = []
    for _ in range(20):
        clock.at_s += QUICK_S
        await room.run_once(KEY)
        view = room.view(KEY)
        assert view is not None
        assert view.decision.schedule == metrics_view.decision.schedule
        reasons.append(view.metrics.reason)

    assert reasons[0] == "Stale"
    assert reasons[-1] == "Unreachable"


async def test_html_instead_of_metrics_is_malformed(engine: Engine) -> None:
    clock = ManualClock()
    room = room_of(engine, clock, lambda key: None)
    engine.body = "<html>welcome</html>"
    for _ in range(20):
        await room.run_once(KEY)
        clock.at_s += QUICK_S

    view = room.view(KEY)

    assert view is not None
    assert (view.metrics.status, view.metrics.reason) == ("False", "Malformed")


async def test_an_applied_generation_is_told_at_once(engine: Engine) -> None:
    clock, reports = ManualClock(), []
    room = room_of(engine, clock, reports.append)
    engine.run(1, accepted_share=0.8)
    stock = engine.body
    for generation in (3, 3, 3, 4):
        engine.body = stock + plugin_lines(generation=generation)
        before = len(reports)
        await room.run_once(KEY)
        clock.at_s += QUICK_S

    view = room.view(KEY)
    assert view is not None
    assert [replica.applied_generation for replica in view.replicas] == [4]
    assert len(reports) == before + 1


async def test_a_resource_that_is_gone_is_forgotten(engine: Engine) -> None:
    room = room_of(engine, ManualClock(), lambda key: None)

    assert await room.run_once(("default", "gone")) is None
    assert room.view(("default", "gone")) is None


async def test_a_restarted_operator_goes_on_from_what_was_kept(engine: Engine) -> None:
    clock = ManualClock()
    first = room_of(engine, clock, lambda key: None)
    rounds = 0
    for _ in range(45):
        rounds += 1
        engine.run(rounds, accepted_share=0.2)
        await first.run_once(KEY)
        clock.at_s += QUICK_S
    before = first.view(KEY)
    assert before is not None
    assert before.state_json is not None
    kept = {
        "kind": "ConfigMap",
        "metadata": {"name": "chat-tuner", "uid": "tuner"},
        "data": {
            "lock": before.lock_hash,
            "shape": before.shape,
            "state.json": before.state_json,
            "records.json": before.records_json,
        },
    }

    second = room_of(engine, clock, lambda key: None, kept)
    for _ in range(3):
        rounds += 1
        engine.run(rounds, accepted_share=0.2)
        await second.run_once(KEY)
        clock.at_s += QUICK_S
    after = second.view(KEY)

    assert after is not None
    assert after.decision.schedule == before.decision.schedule
    assert after.records_json == before.records_json


async def test_another_image_of_the_pair_is_learned_anew(engine: Engine) -> None:
    clock, pod = ManualClock(), engine_pod()
    main = pod["spec"]["containers"][1]
    main["ports"][0]["containerPort"] = engine.port
    room = room_with(clock, pod)
    shapes = []
    for image in ("vllm:1", "vllm:2", "vllm:1"):
        main["image"] = image
        for rounds in range(1, 4):
            engine.run(rounds, accepted_share=0.8)
            await room.run_once(KEY)
            clock.at_s += QUICK_S
        view = room.view(KEY)
        assert view is not None
        shapes.append((view.shape, view.earlier_json))

    assert shapes[0][0] == shapes[2][0] != shapes[1][0]
    assert shapes[0][1] is None
    assert shapes[0][0] in (shapes[1][1] or "")
    assert shapes[1][0] in (shapes[2][1] or "")


def several(engine: Engine, *pods: tuple[str, str, str]) -> list[dict[str, Any]]:
    """Ready pods of these names, locks and images."""
    made = []
    for name, lock, image in pods:
        pod = engine_pod(name, lock=lock)
        main = pod["spec"]["containers"][1]
        main["image"] = image
        main["ports"][0]["containerPort"] = engine.port
        made.append(pod)
    return made


@pytest.mark.parametrize("common", ["old", "new"])
async def test_it_is_learned_from_the_shape_of_the_most_replicas(
    engine: Engine, common: str
) -> None:
    other = {"old": "new", "new": "old"}[common]
    images = (other, common, common)
    pods = several(engine, *((f"chat-{place}", "aaaa", at) for place, at in enumerate(images)))
    (alone,) = several(engine, ("chat-9", "aaaa", common))
    shapes = []
    for listed in ([alone], pods):
        engine.run(1, accepted_share=0.8)
        room = room_with(ManualClock(), listed[0], *listed[1:])
        await room.run_once(KEY)
        view = room.view(KEY)
        assert view is not None
        shapes.append(view.shape)

    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(("locks", "learned"), [("abb", "b"), ("aab", "a"), ("ab", "a")])
async def test_it_is_learned_from_the_lock_of_the_most_replicas(
    engine: Engine, locks: str, learned: str
) -> None:
    engine.run(1, accepted_share=0.8)
    pods = several(engine, *((f"chat-{place}", lock, "one") for place, lock in enumerate(locks)))
    room = room_with(ManualClock(), pods[0], *pods[1:])
    await room.run_once(KEY)

    view = room.view(KEY)
    assert view is not None and view.lock_hash == learned


async def test_a_start_profile_shapes_the_first_table(engine: Engine) -> None:
    """A draft as slow as its target pays nowhere; without the profile the first table drafts."""
    dear = {"base_s": 0.02, "token_s": 0.002, "draft_pass_s": 0.02}
    profile = {
        "kind": "ConfigMap",
        "metadata": {"name": "chat-profile", "uid": "profile", "resourceVersion": "1"},
        "data": {"profile.json": json.dumps({"step_time": dear, "survival": {"chat": [0.3]}})},
    }
    deepest = []
    for more in ((), (profile,)):
        pod = engine_pod()
        pod["spec"]["containers"][1]["ports"][0]["containerPort"] = engine.port
        room = room_with(ManualClock(), pod, *more, policy="Goodput")
        engine.run(1, accepted_share=0.3)
        await room.run_once(KEY)
        view = room.view(KEY)
        assert view is not None
        deepest.append(max(tokens for _, _, tokens in view.decision.schedule))

    assert deepest[0] > 0
    assert deepest[1] == 0


async def test_a_refused_profile_is_told_once_and_not_used(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    pod = engine_pod()
    pod["spec"]["containers"][1]["ports"][0]["containerPort"] = engine.port
    profile = {
        "kind": "ConfigMap",
        "metadata": {"name": "chat-profile", "uid": "profile", "resourceVersion": "1"},
        "data": {"profile.json": '{"step_time": {"base_s": "quick"}}'},
    }
    room = room_with(ManualClock(), pod, profile)
    for rounds in (1, 2, 3):
        engine.run(rounds, accepted_share=0.8)
        await room.run_once(KEY)

    warnings = [
        each.getMessage() for each in caplog.records if "start profile" in each.getMessage()
    ]
    assert len(warnings) == 1
    assert "chat-profile" in warnings[0] and "step_time.base_s" in warnings[0]
    assert room.view(KEY) is not None
