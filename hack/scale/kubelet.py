"""In the kubelet's place: every engine's pod is Ready as soon as it is made."""

from __future__ import annotations

import asyncio
from typing import Any

from hack.scale import api as paths
from hack.scale import pair
from hack.scale.api import Api

Object = dict[str, Any]
AT_ONCE = 4


class Kubelet:
    """Says of each new pod that it runs, a few at a time. `run` until cancelled."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._fresh: asyncio.Queue[str] = asyncio.Queue()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._api.watch(paths.PODS, "tandem.dev/role=engine", self._hear))
            for _ in range(AT_ONCE):
                group.create_task(self._start())

    def _hear(self, event: str, metadata: Object) -> None:
        if event == "ADDED":
            self._fresh.put_nowait(metadata["name"])

    async def _start(self) -> None:
        while True:
            name = await self._fresh.get()
            await self._api.patch_if_present(paths.PODS, f"{name}/status", {"status": pair.runs()})
