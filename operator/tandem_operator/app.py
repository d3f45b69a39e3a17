"""Wires the rooms together: the watches, the queue, the tuning loop, the Lease, health.

Nothing leads before every kind of a namespace was listed, so the first reconciliation finds a store
in which absence is fact. What cannot be mended here ends the process, and surely (see `__main__`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import signal
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from tandem_operator import ending, planning
from tandem_operator.clock import SystemClock
from tandem_operator.cluster.store import Key, Store
from tandem_operator.cluster.watches import Watches
from tandem_operator.control.loop import TuningLoop
from tandem_operator.control.resource_tuning import Subject
from tandem_operator.metrics.replicas import may_be_read
from tandem_operator.planning import Installation, TuningView
from tandem_operator.reconcile.claims import Claims
from tandem_operator.reconcile.executor import Executor
from tandem_operator.reconcile.lease import Lease
from tandem_operator.reconcile.pod_monitors import PodMonitors
from tandem_operator.reconcile.queue import Queue
from tandem_operator.reconcile.reconciler import Reconciler
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.reconcile.requests.errors import RefusedError, RetryError
from tandem_operator.settings import Settings
from tandem_operator.telemetry.metrics import Metrics
from tandem_operator.telemetry.resources import ResourceSeries
from tandem_operator.telemetry.web import Web

if TYPE_CHECKING:
    from tandem_operator.metrics.prometheus import PrometheusReader

LOG = logging.getLogger(__name__)

DISCOVER_EVERY_S = 300.0
DISCOVER_AGAIN_S = 15.0
BEAT_EVERY_S = 1.0
STALE_BEAT_S = 30.0
STOP_S = 5.0
PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
VERSION = version("tandem-operator")
END_S = 20.0
"""Longer than a request that was sent may take to be given up, shorter than the kubelet waits."""


class Operator:
    """One process. `run` returns when it was asked to stop, and raises when a part failed."""

    def __init__(self, settings: Settings, api: ApiClient) -> None:
        self._settings = settings
        self._name = f"{settings.namespace}/{settings.lease}"
        self._clock = SystemClock()
        self._metrics = Metrics(VERSION)
        self._store = Store()
        self._queue = Queue(self._clock, lambda: random.uniform(0.8, 1.2))  # noqa: S311
        self._stop = asyncio.Event()
        self._beat_s = self._clock.now_s()
        self._client = Client(api, lambda: self._lease.left_s, self._metrics.write)
        self._pod_monitors = PodMonitors(self._client, self._store, settings.watch_namespaces)
        self._lease = Lease(
            self._client, settings.namespace, settings.lease, settings.identity, self._clock
        )
        self._tuning = TuningLoop(
            subject=self._subject,
            changed=self._queue.add,
            clock=self._clock,
            interval_s=settings.scrape_interval_seconds,
            prometheus=_prometheus(settings),
        )
        self._watches = Watches(
            self._store,
            self._queue.add,
            self._queue.add_together,
            self._clock,
            settings.watch_namespaces,
        )
        self._executor = Executor(
            self._client, self._store, self._clock, settings.identity, self._pod_monitors
        )
        self._reconciler = Reconciler(
            store=self._store,
            queue=self._queue,
            executor=self._executor,
            planner=planning.plan,
            tuning=self._view,
            installation=self._installation,
            clock=self._clock,
            metrics=self._metrics,
            claims=Claims(self._name, self._clock, self._metrics.yielded),
            blind=self._watches.blind,
            unserved=self._watches.unserved,
        )
        self._metrics.add(ResourceSeries(self._led, self._tuning.view))
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
        ends then, and its pod starts it again with an empty store.
        """
        self._listen()
        port = await self._web.start()
        LOG.info("serving health and metrics on port %d", port)
        try:
            async with asyncio.TaskGroup() as group:
                parts = [
                    group.create_task(self._watches.run()),
                    group.create_task(self._find_out()),
                    group.create_task(self._lead()),
                    group.create_task(self._beat()),
                ]
                await self._stop.wait()
                LOG.info("stopping")
                for part in parts:
                    part.cancel()
        finally:
            ending.at_the_latest_in(END_S)
            self._metrics.leading(False)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lease.release(), STOP_S)
            await self._web.stop()

    def _listen(self) -> None:
        """SIGTERM and SIGINT ask `run` to return."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    async def _find_out(self) -> None:
        """Whether there are optional kinds, every few minutes."""
        await self._watches.synced.wait()
        while True:
            delay_s = DISCOVER_EVERY_S
            try:
                for key in await self._pod_monitors.refresh():
                    self._queue.add(key)
            except (RetryError, RefusedError) as error:
                LOG.warning("discovery of optional kinds: %s", error)
                delay_s = DISCOVER_AGAIN_S
            await asyncio.sleep(delay_s)

    async def _lead(self) -> None:
        await self._watches.synced.wait()
        while True:
            try:
                await self._lease.acquire()
                break
            except RetryError as error:
                LOG.warning("the Lease cannot be read: %s", error)
                await asyncio.sleep(1.0)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lease.keep(self._reconcile_all))
            group.create_task(self._reconciler.run())
            group.create_task(self._tuning.run(self._stop))
            self._reconcile_all()

    def _reconcile_all(self) -> None:
        for key in self._store.known():
            self._queue.add(key)

    async def _beat(self) -> None:
        while True:
            self._beat_s = self._clock.now_s()
            self._metrics.sizes(len(self._store.known()), len(self._queue))
            self._metrics.leading(self._lease.held)
            self._metrics.undeclared(self._executor.undeclared)
            for watch in self._watches.all:
                where = watch.namespace or ""
                self._metrics.watch(watch.kind.kind, where, watch.age_s, watch.refused)
            await asyncio.sleep(BEAT_EVERY_S)

    def _led(self) -> Iterator[dict[str, Any]]:
        """The resources that this replica answers for; none while it stands by."""
        for key in self._store.known() if self._lease.held else ():
            resource = self._store.resource(key)
            if resource is not None:
                yield resource

    def _view(self, key: Key) -> TuningView | None:
        """What the tuning loop has of a resource; it begins with one that is new to it."""
        self._tuning.watch(key)
        return self._tuning.view(key)

    def _subject(self, key: Key) -> Subject | None:
        resource = self._store.resource(key)
        if resource is None:
            return None
        # Most rounds find no replica to read, and parsing all objects would be most of their cost.
        read = any(may_be_read(pod) for pod in self._store.objects(key, "Pod"))
        objects = self._store.objects(key) if read else ()
        return Subject(resource, objects, partial(self._store.tuners, key[0]))

    def _installation(self) -> Installation:
        settings = self._settings
        return Installation(
            runtime_image=settings.runtime_image,
            torch_image=settings.torch_image,
            image_pull_policy=settings.image_pull_policy,
            hub_endpoint=settings.hub_endpoint,
            s3_endpoint=settings.s3_endpoint,
            pod_monitors=self._pod_monitors.served,
            memory_bytes=settings.memory_bytes,
            name=self._name,
            lock_resources=settings.lock_resources,
            fetch_resources=settings.fetch_resources,
            security_context=settings.runtime_security_context,
            environment=settings.runtime_environment,
            ca_bundle=settings.ca_bundle,
            pod_monitor_labels=settings.pod_monitor_labels,
            pod_monitor_interval=settings.pod_monitor_interval,
            rollout_times=settings.rollout_times,
        )

    def _unhealthy(self) -> str | None:
        late_s = self._clock.now_s() - self._beat_s
        if late_s > STALE_BEAT_S:
            return f"the loop is {late_s:.0f} s late"
        return self._watches.stuck()

    def _unready(self) -> str | None:
        return self._watches.unready() or self._unhealthy()


def _prometheus(settings: Settings) -> PrometheusReader | None:
    if settings.prometheus_url is None:
        return None
    # Its client takes memory that an operator which reads pods itself has no use for.
    from tandem_operator.metrics.prometheus import PrometheusReader

    return PrometheusReader(
        settings.prometheus_url,
        ca_file=settings.prometheus_ca_file,
        token_file=settings.prometheus_token_file,
        headers=settings.prometheus_headers,
        tenant=settings.prometheus_tenant,
    )


async def serve(settings: Settings) -> None:
    """Run one operator in this process until SIGTERM or SIGINT."""
    configuration = Configuration()
    configuration.retries = None
    # aiohttp would read ~/.netrc in a thread for each request, to find a proxy's password.
    configuration.client_session_kwargs = {"trust_env": any(map(os.environ.get, PROXIES))}
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=configuration)
    else:
        await config.load_kube_config(client_configuration=configuration)
    async with ApiClient(configuration) as api:
        await Operator(settings, api).run()
