"""The loop as it runs: whom it reads, when, and when it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from tandem_operator.control.loop import QUICK_S, TuningLoop
from tandem_operator.control.pace import BURST_PAGES, PAGES_A_SECOND
from tandem_operator.control.resource_tuning import Subject
from tests.unit.control.rooms import KEY, SPEC, Engine, ManualClock
from tests.unit.metrics.builders import engine_pod, workload

OTHER = ("default", "other")
"""A resource that is not there; to watch it wakes the loop, as any event does."""


class Scene:
    """A loop over one resource whose pods and existence the test changes."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.clock = engine, ManualClock()
        self.pods = [self.pod()]
        self.there = True
        self.keys = {KEY}
        self.asked: list[tuple[str, str]] = []
        self.loop = TuningLoop(
            subject=self.subject, changed=lambda key: None, clock=self.clock, interval_s=10.0
        )

    def pod(self) -> dict[str, Any]:
        pod = engine_pod()
        pod["spec"]["containers"][1]["ports"][0]["containerPort"] = self.engine.port
        return pod

    def subject(self, key: tuple[str, str]) -> Subject | None:
        self.asked.append(key)
        resource = {"metadata": {"name": "chat", "uid": "resource"}, "spec": SPEC}
        known = self.there and key in self.keys
        return Subject(resource, (*workload(), *self.pods)) if known else None

    async def rounds(self, times: int) -> None:
        """Wait until so many rounds began and the last has ended."""
        await self.until(lambda: self.asked.count(KEY) >= times)
        await self.until(lambda: not self.loop._running)

    async def held(self) -> None:
        """Wait until new ones wait for the clock, and all rounds have ended."""
        loop = self.loop
        await self.until(
            lambda: not loop._running and bool(loop._new) and loop._next_new_s() > self.clock.at_s
        )

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():  # noqa: ASYNC110 (the loop's own tasks bring it about)
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(engine: Engine) -> AsyncIterator[Scene]:
    scene, stop = Scene(engine), asyncio.Event()
    engine.run(1, accepted_share=0.8)
    task = asyncio.create_task(scene.loop.run(stop))
    try:
        yield scene
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await task


async def test_a_resource_is_read_at_once_and_again_when_it_is_due(engine: Engine) -> None:
    async with running(engine) as scene:
        scene.loop.watch(KEY)
        await scene.rounds(1)
        assert scene.loop.view(KEY) is not None

        scene.loop.watch(KEY)
        scene.loop.watch(OTHER)
        await scene.until(lambda: OTHER in scene.asked)
        assert scene.asked.count(KEY) == 1, "it is not due, however often it is named"

        scene.clock.at_s += 60.0
        scene.loop.watch(OTHER)
        await scene.rounds(2)


async def test_new_replicas_are_read_at_a_bounded_pace_and_in_their_turn(engine: Engine) -> None:
    """As after a start, when all are new."""
    async with running(engine) as scene:
        keys = [("default", f"r{number:02d}") for number in range(3 * BURST_PAGES)]
        scene.keys = set(keys)
        for key in keys:
            scene.loop.watch(key)
        await scene.held()
        assert scene.asked == keys[: len(scene.asked)]
        assert BURST_PAGES <= len(scene.asked) <= BURST_PAGES + 1

        scene.clock.at_s += BURST_PAGES / PAGES_A_SECOND
        await scene.held()
        assert scene.asked == keys[: len(scene.asked)]
        assert 2 * BURST_PAGES <= len(scene.asked) <= 2 * BURST_PAGES + 2

        scene.clock.at_s += QUICK_S
        await scene.until(lambda: keys[-1] in scene.asked)
        assert scene.asked[: len(keys)] == keys, "none is read twice before all were once"


async def test_every_page_of_a_new_resource_counts(engine: Engine) -> None:
    async with running(engine) as scene:
        first, second = ("default", "r0"), ("default", "r1")
        scene.keys = {first, second}
        pods = [scene.pod() for _ in range(2 * BURST_PAGES)]
        for number, pod in enumerate(pods):
            pod["metadata"] = pod["metadata"] | {"name": f"p{number}", "uid": f"p{number}"}
        scene.pods = pods
        scene.loop.watch(first)
        scene.loop.watch(second)
        await scene.held()
        assert scene.asked == [first]

        scene.clock.at_s += 1.5 * BURST_PAGES / PAGES_A_SECOND
        await scene.until(lambda: second in scene.asked)


async def test_a_resource_without_a_pod_takes_no_turn_of_the_new(engine: Engine) -> None:
    async with running(engine) as scene:
        scene.pods = []
        scene.keys = {("default", f"r{number:02d}") for number in range(3 * BURST_PAGES)}
        for key in scene.keys:
            scene.loop.watch(key)
        await scene.until(lambda: set(scene.asked) == scene.keys)


async def test_a_resource_without_a_ready_pod_waits_for_an_event(engine: Engine) -> None:
    async with running(engine) as scene:
        scene.pods = []
        scene.loop.watch(KEY)
        await scene.rounds(1)
        assert scene.loop.view(KEY) is None

        scene.pods = [scene.pod()]
        scene.loop.watch(KEY)
        await scene.rounds(2)
        assert scene.loop.view(KEY) is not None


async def test_a_resource_that_is_gone_is_forgotten_with_all_that_was_learned(
    engine: Engine,
) -> None:
    async with running(engine) as scene:
        scene.loop.watch(KEY)
        await scene.rounds(1)
        scene.there = False
        scene.clock.at_s += 60.0
        scene.loop.watch(OTHER)
        await scene.until(lambda: scene.loop.view(KEY) is None)


async def test_a_round_that_fails_is_made_again(engine: Engine) -> None:
    async with running(engine) as scene:
        scene.pods = [{"kind": "Pod"}]  # no object of Kubernetes: a bug, whatever it is
        scene.loop.watch(KEY)
        await scene.rounds(1)
        scene.pods = [scene.pod()]
        scene.clock.at_s += 60.0
        scene.loop.watch(OTHER)
        await scene.until(lambda: scene.loop.view(KEY) is not None)


async def test_it_ends_while_an_engine_does_not_answer(engine: Engine) -> None:
    waiting = asyncio.Event()

    async def never(request: Any) -> Any:
        waiting.set()
        await asyncio.sleep(60)

    engine.answer_by = never
    async with running(engine) as scene:
        scene.loop.watch(KEY)
        async with asyncio.timeout(20):
            await waiting.wait()
