"""Drives one phase after another while the pods are sampled and the table is printed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import aiohttp

from hack.demo.environment.kubectl import DemoError, Kubectl
from hack.demo.load import Phase, Request, run_phase
from hack.demo.sample import Sample, take_sample
from hack.demo.table import HEADER, line

SAMPLE_EVERY_S = 1.0
PRINT_EVERY = 2
PORT = 8000


class Watch:
    """Samples of all phases, in order, and every request that ended."""

    def __init__(self, kubectl: Kubectl, name: str, say: Callable[[str], None]) -> None:
        self.samples: list[Sample] = []
        self.requests: list[Request] = []
        self._kubectl = kubectl
        self._name = name
        self._say = say
        self._addresses: dict[str, str] = {}

    async def drive(self, endpoint: str, model: str, phases: Sequence[Phase]) -> None:
        """Run the phases through the Service.

        Raises DemoError when no engine pod can be read.
        """
        self._addresses = {
            pod["metadata"]["name"]: pod["status"]["podIP"]
            for pod in self._kubectl.engine_pods(self._name)
        }
        self._say(HEADER)
        for phase in phases:
            load = asyncio.create_task(run_phase(endpoint, model, phase, self.requests))
            try:
                await self._sample_until(load, phase.name)
            finally:
                load.cancel()
            await load

    async def _sample_until(self, load: asyncio.Task[None], phase: str) -> None:
        taken = 0
        while not load.done():
            pages = await asyncio.gather(*(self._page(pod) for pod in self._addresses))
            previous = self.samples[-1] if self.samples else None
            self.samples.append(take_sample(pages, phase, previous, time.monotonic))
            taken += 1
            if taken % PRINT_EVERY == 0 and len(self.samples) > PRINT_EVERY:
                earlier = self.samples[-1 - PRINT_EVERY]
                start_s = self.samples[0].time_s
                self._say(line(self.samples[-1], earlier, start_s, self.requests))
            await asyncio.wait([load], timeout=SAMPLE_EVERY_S)

    async def _page(self, pod: str) -> str:
        """The pod's page: directly where its address is reachable, else through the API server."""
        address = self._addresses[pod]
        if address:
            try:
                timeout = aiohttp.ClientTimeout(total=3)
                async with (
                    aiohttp.ClientSession(timeout=timeout) as session,
                    session.get(f"http://{address}:{PORT}/metrics") as answer,
                ):
                    return await answer.text()
            except (aiohttp.ClientError, TimeoutError, OSError):
                self._addresses[pod] = ""
        try:
            return await asyncio.to_thread(self._kubectl.pod_metrics, pod, PORT)
        except DemoError as error:
            raise DemoError(f"pod {pod} cannot be read: {error}") from error
