"""A reconciliation ends in exactly one of three ways, and the key comes again when it must."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

import pytest

from tandem_operator.api import names
from tandem_operator.cluster.store import Store
from tandem_operator.planning import Apply, Installation, Plan, Snapshot
from tandem_operator.planning.diff import stamped
from tandem_operator.reconcile.claims import MOST_ANSWERS, Claims
from tandem_operator.reconcile.executor import Executor
from tandem_operator.reconcile.pod_monitors import PodMonitors
from tandem_operator.reconcile.queue import TOGETHER_S, Queue
from tandem_operator.reconcile.reconciler import Reconciler
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.telemetry.metrics import Metrics
from tests.unit.reconcile.world import KEY, NAMESPACE, HandClock, Hands, Object, Server


class Scene:
    """One resource; `plan` is what planning answers, or what it raises."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.server = Server()
        self.store = Store()
        self.queue = Queue(self.clock, lambda: 1.0)
        self.metrics = Metrics("0.1.0")
        self.plan: Plan | Exception = Plan()
        self.snapshots: list[Snapshot] = []
        self.hands = Hands(self.server)
        client = cast(Client, self.hands)
        self.reconciler = Reconciler(
            store=self.store,
            queue=self.queue,
            executor=Executor(
                client, self.store, self.clock, "one", PodMonitors(client, self.store, ())
            ),
            planner=self._plan,
            tuning=lambda key: None,
            installation=lambda: Installation(runtime_image="image"),
            clock=self.clock,
            metrics=self.metrics,
            claims=Claims("here/tandem", self.clock),
        )
        resource = {
            "apiVersion": "tandem.dev/v1alpha1",
            "kind": "SpeculativeDeployment",
            "metadata": {"name": "chat", "generation": 1},
            "spec": {"token": "secret"},
        }
        self.store.put_resource(self.server.put(resource))

    def _plan(self, snapshot: Snapshot) -> Plan:
        self.snapshots.append(snapshot)
        if isinstance(self.plan, Exception):
            raise self.plan
        return self.plan

    async def reconcile(self) -> None:
        self.queue.add(KEY)
        await self.reconciler.one(await self.queue.take())

    async def due(self) -> bool:
        """Whether the key is to be reconciled now."""
        try:
            return await asyncio.wait_for(self.queue.take(), 0.01) == KEY
        except TimeoutError:
            return False

    async def due_after(self, seconds: float) -> bool:
        """Whether the next reconciliation is due at that moment and not before."""
        self.clock.move(seconds - 0.01)
        early = await self.due()
        self.clock.move(0.01)
        return not early and await self.due()

    def results(self) -> dict[str, float]:
        head = 'tandem_operator_reconcile_seconds_count{result="'
        lines = self.metrics.page().decode().splitlines()
        fields = [line.removeprefix(head).split('"} ') for line in lines if line.startswith(head)]
        return {result: float(count) for result, count in fields if float(count)}


@pytest.fixture
def scene() -> Scene:
    return Scene()


def service(port: int = 80) -> Object:
    return stamped(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "chat", "namespace": NAMESPACE},
            "spec": {"port": port},
        }
    )


async def test_what_a_reconciliation_wrote_is_seen_by_the_next_at_once(scene: Scene) -> None:
    scene.plan = Plan(applies=(Apply(service()),))
    await scene.reconcile()
    scene.plan = Plan()
    await scene.reconciler.one(await scene.queue.take())

    assert [each["kind"] for each in scene.snapshots[-1].objects] == ["Service"]
    assert scene.results() == {"done": 2}


async def test_what_controllers_make_of_a_workload_is_seen_with_it(scene: Scene) -> None:
    workload = {**service(), "apiVersion": "apps/v1", "kind": "Deployment"}
    scene.plan = Plan(applies=(Apply(service()), Apply(workload)), status={"replicas": 0})
    await scene.reconcile()
    assert await scene.due_after(TOGETHER_S)
    assert "status SpeculativeDeployment chat" not in scene.server.sent


async def test_a_status_that_came_to_nothing_asks_for_no_more_reconciliations(scene: Scene) -> None:
    for replicas in (1, 2):
        scene.plan = Plan(status={"replicas": replicas})
        await scene.reconcile()
    scene.plan = Plan()
    scene.clock.move(60)
    await scene.reconcile()
    assert not await scene.due(), "the second was too early, and then the count was the first again"


async def test_planning_says_when_to_reconcile_again(scene: Scene) -> None:
    scene.plan = Plan(requeue_after_s=60)
    await scene.reconcile()

    assert await scene.due_after(60)


async def test_a_server_that_is_down_is_asked_again(scene: Scene) -> None:
    scene.plan = Plan(status={"replicas": 1})
    scene.server.down = True
    await scene.reconcile()

    assert scene.results() == {"retry": 1}
    assert await scene.due_after(0.25)


async def test_what_may_not_be_written_waits_until_this_process_leads_again(scene: Scene) -> None:
    scene.plan = Plan(status={"replicas": 1})
    scene.hands.leads = False
    await scene.reconcile()
    assert not await scene.due()

    scene.hands.leads = True
    await scene.reconcile()
    assert scene.server.sent == ["status SpeculativeDeployment chat"]


async def test_a_bug_is_told_with_what_the_reconciliation_saw_and_tried_again(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.plan = ZeroDivisionError("of planning")
    with caplog.at_level(logging.ERROR):
        await scene.reconcile()

    assert scene.results() == {"bug": 1}
    (record,) = caplog.records
    assert record.exc_info is not None
    assert "it saw SpeculativeDeployment/chat@1" in record.getMessage()
    assert "secret" not in caplog.text, "bodies may hold what logs must not"
    assert await scene.due_after(0.25)


async def test_an_installation_that_is_asked_without_end_yields(scene: Scene) -> None:
    """Nothing but the other's writes asks for reconciliations: the own name comes back unheard."""
    scene.plan = Plan(status={"managedBy": "here/tandem"})
    await scene.reconcile()
    scene.clock.move(100)
    for _ in range(MOST_ANSWERS + 1):
        asked = {
            **scene.server.objects[names.KIND, "chat"],
            "status": {"managedBy": "other/tandem"},
        }
        scene.store.put_resource(scene.server.put(asked))
        scene.clock.move(5)
        await scene.reconcile()

    assert scene.server.sent.count("status SpeculativeDeployment chat") == 1 + MOST_ANSWERS
    assert scene.server.objects[names.KIND, "chat"]["status"]["managedBy"] == "other/tandem"


async def test_a_contested_child_is_tried_again_after_its_rest(scene: Scene) -> None:
    for _ in range(4):
        taken = scene.server.put({**service(), "spec": {"port": 1}})
        scene.store.put(taken, KEY)
        scene.plan = Plan(applies=(Apply(service(), uid=taken["metadata"]["uid"]),))
        await scene.reconcile()

    assert scene.server.sent.count("force Service chat") == 3
    assert scene.server.objects["Service", "chat"]["spec"] == {"port": 1}
    assert scene.results() == {"done": 4}
    assert await scene.due_after(300)
