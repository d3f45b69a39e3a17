"""Wires the rooms together: kopf's watches, the queue, the tuning loop, the Lease, health.

kopf does what is easy to get subtly wrong, the watch streams; its handlers only pass objects on.
Its indexers see every object of the first listing before any event handler runs, so the first look
finds a store in which absence is fact.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import signal
from functools import partial
from importlib.metadata import version
from typing import Any, cast

import kopf
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from tandem_operator import planning
from tandem_operator.observe.clock import SystemClock
from tandem_operator.observe.kinds import RESOURCE
from tandem_operator.observe.store import Key, Store
from tandem_operator.observe.tuning import Subject, TuningRoom
from tandem_operator.observe.watch import registry_of, watch_settings
from tandem_operator.planning import Installation
from tandem_operator.reconcile.absences import Absences
from tandem_operator.reconcile.act import Actor
from tandem_operator.reconcile.client import Client
from tandem_operator.reconcile.errors import RefusedError, RetryError
from tandem_operator.reconcile.lease import Lease
from tandem_operator.reconcile.look import Looker
from tandem_operator.reconcile.optional import PodMonitors
from tandem_operator.reconcile.queue import Queue
from tandem_operator.settings import Settings
from tandem_operator.telemetry.metrics import Metrics
from tandem_operator.telemetry.web import Web

LOG = logging.getLogger(__name__)

WORKERS = 8
DISCOVER_EVERY_S = 300.0
BEAT_EVERY_S = 1.0
STALE_BEAT_S = 30.0
STOP_S = 20.0


class Operator:
    """One process. `run` returns when it was asked to stop, and raises when a part failed."""

    def __init__(self, settings: Settings, api: ApiClient) -> None:
        self._settings = settings
        self._clock = SystemClock()
        self._metrics = Metrics(version("tandem"))
        self._store = Store()
        self._queue = Queue(self._clock, lambda: random.uniform(0.8, 1.2))  # noqa: S311
        self._stop = asyncio.Event()
        self._watching = asyncio.Event()
        self._synced = asyncio.Event()
        self._beat_s = self._clock.now_s()
        self._client = Client(api, lambda: self._lease.left_s, self._metrics.write)
        self._pod_monitors = PodMonitors(self._client, self._store, settings.watch_namespaces)
        self._absences = Absences(self._client, self._store, settings.watch_namespaces)
        self._lease = Lease(
            self._client, settings.namespace, settings.lease, settings.identity, self._clock
        )
        self._tuning = TuningRoom(
            subject=self._subject,
            changed=self._queue.add,
            clock=self._clock,
            interval_s=settings.scrape_interval_seconds,
            prometheus_url=settings.prometheus_url,
        )
        actor = Actor(self._client, self._store, self._clock, settings.identity, self._pod_monitors)
        self._looker = Looker(
            store=self._store,
            queue=self._queue,
            actor=actor,
            planner=planning.plan,
            tuning=self._tuning.view,
            installation=self._installation,
            clock=self._clock,
            metrics=self._metrics,
        )
        self._web = Web(
            settings.http_port,
            healthy=self._unhealthy,
            ready=self._unready,
            page=self._metrics.page,
        )

    def stop(self) -> None:
        """Ask `run` to return; safe to call more than once."""
        self._stop.set()

    async def run(self) -> None:
        """Watch, stand by, lead, until stopped or until SIGTERM or SIGINT.

        Raises LeaseLostError when leadership is lost, and whatever ended a part of it: the process
        ends then, and its pod starts it anew with an empty store.
        """
        self._listen()
        port = await self._web.start()
        LOG.info("serving health and metrics on port %d", port)
        try:
            async with asyncio.TaskGroup() as group:
                parts = [
                    group.create_task(self._watch()),
                    group.create_task(self._find_out()),
                    group.create_task(self._lead()),
                    group.create_task(self._beat()),
                ]
                await self._stop.wait()
                LOG.info("stopping")
                for part in parts:
                    part.cancel()
        finally:
            self._metrics.leading(False)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lease.release(), STOP_S)
            await self._web.stop()

    def _listen(self) -> None:
        """SIGTERM and SIGINT ask `run` to return."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    async def _watch(self) -> None:
        kopf_stop = asyncio.Event()
        namespaces = self._settings.watch_namespaces
        running = asyncio.create_task(
            kopf.operator(
                registry=registry_of(self._store, self._seen),
                settings=watch_settings(),
                standalone=True,
                # Its default asks the system for a user name, which a pod's user id may not have.
                identity=cast(Any, self._settings.identity),
                clusterwide=not namespaces,
                namespaces=namespaces,
                stop_flag=kopf_stop,
                ready_flag=self._watching,
            )
        )
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            kopf_stop.set()
            with contextlib.suppress(asyncio.CancelledError, TimeoutError):
                await asyncio.wait_for(running, STOP_S)
            raise
        # A signal came before it was ours again; a watch that fails raises instead of ending.
        self.stop()

    async def _seen(self, key: Key) -> None:
        """An event: every kind is listed by now, since kopf indexes before it handles."""
        self._synced.set()
        self._tuning.watch(key)
        self._queue.add(key)

    async def _find_out(self) -> None:
        """Optional kinds, what ended unseen, and that a cluster without resources is synced too.

        Raises RefusedError where resources may not even be listed.
        """
        await self._watching.wait()
        # kopf took the signals for itself, and it would wait for our loops before it ends them.
        self._listen()
        while True:
            try:
                if not self._synced.is_set() and not await self._any_resource():
                    self._synced.set()
                await self._look_for_pod_monitors()
                if self._synced.is_set():
                    for key in await self._absences.sweep():
                        self._queue.add(key)
            except RetryError as error:
                LOG.warning("discovery: %s", error)
            await asyncio.sleep(DISCOVER_EVERY_S if self._synced.is_set() else 1.0)

    async def _look_for_pod_monitors(self) -> None:
        try:
            for key in await self._pod_monitors.refresh():
                self._queue.add(key)
        except RefusedError as refused:
            # An optional kind: without the right to it the operator does everything else.
            LOG.warning("PodMonitors: %s", refused)

    async def _any_resource(self) -> bool:
        namespaces: tuple[str | None, ...] = self._settings.watch_namespaces or (None,)
        for namespace in namespaces:
            if await self._client.list(RESOURCE, namespace, limit=1):
                return True
        return False

    async def _lead(self) -> None:
        await self._synced.wait()
        while True:
            try:
                await self._lease.acquire()
                break
            except RetryError as error:
                LOG.warning("the Lease cannot be read: %s", error)
                await asyncio.sleep(1.0)
        self._metrics.leading(True)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lease.keep())
            group.create_task(self._looker.run(WORKERS))
            group.create_task(self._tuning.run(self._stop))
            for key in self._store.known():
                self._tuning.watch(key)
                self._queue.add(key)

    async def _beat(self) -> None:
        while True:
            self._beat_s = self._clock.now_s()
            self._metrics.sizes(len(self._store.known()), len(self._queue))
            await asyncio.sleep(BEAT_EVERY_S)

    def _subject(self, key: Key) -> Subject | None:
        resource = self._store.resource(key)
        if resource is None:
            return None
        return Subject(resource, self._store.objects(key), partial(self._store.tuners, key[0]))

    def _installation(self) -> Installation:
        settings = self._settings
        return Installation(
            version=version("tandem"),
            runtime_image=settings.runtime_image,
            torch_image=settings.torch_image,
            image_pull_policy=settings.image_pull_policy,
            hub_endpoint=settings.hub_endpoint,
            s3_endpoint=settings.s3_endpoint,
            pod_monitors=self._pod_monitors.served,
            memory_bytes=settings.memory_bytes,
            scrape_interval_s=settings.scrape_interval_seconds,
        )

    def _unhealthy(self) -> str | None:
        late_s = self._clock.now_s() - self._beat_s
        return f"the loop is {late_s:.0f} s late" if late_s > STALE_BEAT_S else None

    def _unready(self) -> str | None:
        if not self._synced.is_set():
            return "the first listing is not complete"
        return self._unhealthy()


async def serve(settings: Settings) -> None:
    """Run one operator in this process until SIGTERM or SIGINT."""
    configuration = Configuration()
    configuration.retries = 0
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=configuration)
    else:
        await config.load_kube_config(client_configuration=configuration)
    async with ApiClient(configuration) as api:
        await Operator(settings, api).run()
