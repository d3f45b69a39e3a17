"""The operator's own loops upon a cluster in memory: watches, queue, reconciliations, writes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import cast

from tandem_operator import planning
from tandem_operator.cluster.store import Key, Store
from tandem_operator.cluster.streams import Streams
from tandem_operator.cluster.watches import Watches
from tandem_operator.engines.interface.rollout_times import RolloutTimes
from tandem_operator.planning import Installation, TuningView
from tandem_operator.reconcile.claims import Claims
from tandem_operator.reconcile.executor import Executor
from tandem_operator.reconcile.pod_monitors import PodMonitors
from tandem_operator.reconcile.queue import Queue
from tandem_operator.reconcile.reconciler import Reconciler
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.telemetry.metrics import Metrics
from tests.unit.histories.cluster import Cluster

NAME = "tandem-system/tandem"


@contextlib.asynccontextmanager
async def leads(
    cluster: Cluster,
    tuning: Callable[[Key], TuningView | None] = lambda key: None,
    times: RolloutTimes | None = None,
) -> AsyncIterator[Watches]:
    """One operator that watches all namespaces and leads, until the block ends."""
    store, metrics = Store(), Metrics("0")
    queue = Queue(cluster.clock, lambda: random.Random(cluster.writes).uniform(0.8, 1.2))
    client = cast(Client, cluster)
    watches = Watches(
        store, queue.add, queue.add_together, cluster.clock, (), cast(Streams, cluster)
    )
    reconciler = Reconciler(
        store=store,
        queue=queue,
        executor=Executor(client, store, cluster.clock, "one", PodMonitors(client, store, ())),
        planner=planning.plan,
        tuning=tuning,
        installation=lambda: Installation(
            "registry.example/runtime:1", name=NAME, rollout_times=times or RolloutTimes()
        ),
        clock=cluster.clock,
        metrics=metrics,
        claims=Claims(NAME, cluster.clock),
        blind=watches.blind,
    )

    async def lead() -> None:
        await watches.synced.wait()
        await reconciler.run()

    tasks = [asyncio.create_task(watches.run()), asyncio.create_task(lead())]
    try:
        yield watches
        for task in tasks:
            if task.done():
                task.result()
        bugs = 'tandem_operator_reconcile_seconds_count{result="bug"} 0.0'
        assert bugs in metrics.page().decode(), "a reconciliation ended in a bug"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
