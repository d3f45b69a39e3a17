"""A tuning loop that reads one engine over loopback; the test moves its counters and the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tandem_operator.control.loop import TuningLoop
from tandem_operator.control.resource_tuning import Subject
from tests.unit.metrics.builders import engine_pod, stock_page, workload

KEY = ("default", "chat")
SPEC: dict[str, Any] = {
    "target": {"uri": "hf://org/target"},
    "draft": {"uri": "hf://org/draft"},
    "speculation": {"method": "DraftModel", "maxTokens": 5},
    "engine": {"type": "vLLM", "image": "vllm:1"},
    "tuning": {"policy": "Thresholds", "thresholds": {"minAcceptanceRatePercent": 50}},
}


class ManualClock:
    def __init__(self) -> None:
        self.at_s = 1_800_000_000.0

    def now_s(self) -> float:
        return self.at_s


class Engine:
    """A metrics page on loopback whose counters the test moves."""

    def __init__(self) -> None:
        self.body = ""
        self.status = 200
        self.port = 0
        self.answer_by: Callable[[web.Request], Awaitable[web.Response]] | None = None

    async def answer(self, request: web.Request) -> web.Response:
        if self.answer_by is not None:
            return await self.answer_by(request)
        return web.Response(text=self.body, status=self.status)

    def run(self, rounds: int, *, accepted_share: float) -> None:
        """Counters after so many rounds of 100 drafts of 3 tokens each."""
        accepted = tuple(100 * rounds * accepted_share**place for place in (1, 2, 3))
        self.body = stock_page(
            steps=100 * rounds,
            seconds=rounds * 1.0,
            iterations=50 * rounds,
            generated=100 * rounds + sum(accepted),
            drafts=100 * rounds,
            draft_tokens=300 * rounds,
            accepted=accepted,
        )


def room_of(
    engine: Engine,
    clock: ManualClock,
    changed: Callable[[tuple[str, str]], None],
    *more: dict[str, Any],
) -> TuningLoop:
    pod = engine_pod()
    pod["spec"]["containers"][1]["ports"][0]["containerPort"] = engine.port
    return room_with(clock, pod, *more, changed=changed)


def room_with(
    clock: ManualClock,
    pod: dict[str, Any],
    *more: dict[str, Any],
    changed: Callable[[tuple[str, str]], None] = lambda key: None,
    policy: str = "Thresholds",
) -> TuningLoop:
    spec = SPEC | {"tuning": SPEC["tuning"] | {"policy": policy}}
    resource = {"metadata": {"name": "chat", "uid": "resource"}, "spec": spec}
    subject = Subject(resource, (*workload(), pod, *more))
    return TuningLoop(
        subject=lambda key: subject if key == KEY else None,
        changed=changed,
        clock=clock,
        interval_s=10.0,
    )
