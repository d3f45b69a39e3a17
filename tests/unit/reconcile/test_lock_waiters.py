"""Many reconciliations at once make one Job of a pair, and its end is everybody's event."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from typing import cast

from tandem_operator.cluster.kinds import Kind
from tandem_operator.cluster.store import Key, Store
from tandem_operator.planning import plan
from tandem_operator.planning.plan import Sharing
from tandem_operator.reconcile.claims import Claims
from tandem_operator.reconcile.executor import Executor
from tandem_operator.reconcile.lock_waiters import LockWaiters
from tandem_operator.reconcile.pod_monitors import PodMonitors
from tandem_operator.reconcile.queue import Queue
from tandem_operator.reconcile.reconciler import Reconciler
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.telemetry.metrics import Metrics
from tandem_runtime.contract import report as pair_report
from tests.unit.planning import builders
from tests.unit.reconcile.world import NAMESPACE, HandClock, Hands, Object, Server

COUNT = 40
WORKERS = 8
COMMIT = "0" * 39 + "1"
ONE, TWO, THREE = ((NAMESPACE, name) for name in ("one", "two", "three"))


class SlowHands(Hands):
    """Each call takes a turn of the loop, so that other reconciliations happen in between."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        await asyncio.sleep(0)
        return await super().get(kind, namespace, name)

    async def apply(self, body: Object, *, force: bool) -> Object:
        await asyncio.sleep(0)
        return await super().apply(body, force=force)


class Scene:
    """Resources of one pair, and an operator's workers."""

    def __init__(self, count: int) -> None:
        clock = HandClock()
        self.server = Server()
        self.store = Store()
        self.queue = Queue(clock, lambda: 1.0)
        client = cast(Client, SlowHands(self.server))
        self.reconciler = Reconciler(
            store=self.store,
            queue=self.queue,
            executor=Executor(
                client, self.store, clock, "one", PodMonitors(client, self.store, ())
            ),
            planner=plan,
            tuning=lambda key: None,
            installation=lambda: builders.INSTALLATION,
            clock=clock,
            metrics=Metrics("0.1.0"),
            claims=Claims("here/tandem", clock),
        )
        for number in range(count):
            raw = builders.resource({"target.revision": COMMIT, "draft.revision": COMMIT})
            raw["metadata"] |= {"name": f"chat-{number}", "uid": f"uid-of-{number}"}
            self.queue.add(self.store.put_resource(self.server.put(raw)))

    async def settle(self) -> None:
        """As many reconciliations at once as there are workers, until none is due now."""
        while keys := [key async for key in self._due()]:
            await asyncio.gather(*(self.reconciler.one(key) for key in keys))

    async def _due(self) -> AsyncIterator[Key]:
        for _ in range(WORKERS):
            try:
                yield await asyncio.wait_for(self.queue.take(), 0.01)
            except TimeoutError:
                return

    def jobs(self) -> list[Object]:
        return self.server.all_of("Job")

    def job_ends(self) -> None:
        (job,) = self.jobs()
        ended = {"type": "Complete", "status": "True"}
        job["status"] = {
            "conditions": [{**ended, "lastTransitionTime": builders.stamp(builders.START)}]
        }
        message = pair_report.render(builders.good())
        terminated = {"exitCode": 0, "message": message}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "lock-pod",
                "labels": copy.deepcopy(job["spec"]["template"]["metadata"]["labels"]),
                "ownerReferences": [
                    {"kind": "Job", "uid": job["metadata"]["uid"], "controller": True}
                ],
            },
            "status": {
                "containerStatuses": [{"name": "tandem-lock", "state": {"terminated": terminated}}]
            },
        }
        for raw in (job, pod):
            key = self.store.put(self.server.put(raw))
            assert key is not None
            self.queue.add(key)


async def test_workers_that_reconcile_at_once_make_one_job_and_all_hear_of_its_end() -> None:
    scene = Scene(COUNT)
    await scene.settle()
    assert len(scene.jobs()) == 1

    scene.job_ends()
    await scene.settle()
    assert len(scene.server.all_of("ControllerRevision")) == COUNT
    assert len([each for each in scene.server.sent if " Job " in each]) == 1


def followed(sharing: Sharing | None) -> tuple[LockWaiters, list[Key]]:
    """`two` and `three` wait for the Job of `one` (pair `p`); then `one` is reconciled to this."""
    woken: list[Key] = []
    lock_waiters = LockWaiters(woken.append)
    lock_waiters.see(ONE, Sharing("p", "one"))
    lock_waiters.see(TWO, Sharing("p", "one"))
    lock_waiters.see(THREE, Sharing("p", "one"))
    assert woken == []
    lock_waiters.see(ONE, sharing)
    return lock_waiters, woken


def test_nobody_is_woken_while_the_job_inspects() -> None:
    _, woken = followed(Sharing("p", "one"))
    assert woken == []


def test_all_are_woken_once_when_it_ended_or_its_resource_is_gone() -> None:
    lock_waiters, woken = followed(None)
    assert woken == [TWO, THREE]
    lock_waiters.see(ONE, None)
    assert woken == [TWO, THREE]


def test_all_are_woken_when_it_inspects_another_pair_or_waits_itself() -> None:
    assert followed(Sharing("q", "one"))[1] == [TWO, THREE]
    assert followed(Sharing("p", "two"))[1] == [TWO, THREE]


async def test_turns_of_one_pair_are_one_after_the_other_and_namespaces_do_not_wait() -> None:
    lock_waiters = LockWaiters(lambda key: None)
    sharing = Sharing("p", "one")
    async with lock_waiters.turn("here", sharing):
        async with asyncio.timeout(1), lock_waiters.turn("there", sharing):
            pass
        second = asyncio.create_task(lock_waiters.turn("here", sharing).__aenter__())
        await asyncio.sleep(0)
        assert not second.done()
    await second
