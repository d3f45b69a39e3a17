"""The API server as a user of the bench: many writes at once, and a light watch of the children."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp

from hack.cluster.cluster import Cluster

Object = dict[str, Any]
Heard = Callable[[str, Object], None]
"""Type of the event, and the object's metadata."""

RESOURCES = "/apis/tandem.dev/v1alpha1/namespaces/{}/speculativedeployments"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
CONTROLLER_REVISIONS = "/apis/apps/v1/namespaces/{}/controllerrevisions"
CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps"
SERVICES = "/api/v1/namespaces/{}/services"
PODS = "/api/v1/namespaces/{}/pods"
METADATA_ALONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
TRIES = 20
LONGEST_LINE = 2**22


class Api:
    """Asked as the administrator. Used as an async context manager."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self.namespace = namespace

    async def __aenter__(self) -> Api:
        authority = ssl.create_default_context(cafile=str(self._cluster.authority))
        self._http = aiohttp.ClientSession(
            base_url=self._cluster.url,
            connector=aiohttp.TCPConnector(ssl=authority, limit=64),
            headers={"Authorization": f"Bearer {self._cluster.token}"},
            read_bufsize=LONGEST_LINE,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.close()

    async def create(self, path: str, body: Object) -> None:
        """Create an object; a kind whose definition is new answers 429 for some seconds."""
        for _ in range(TRIES):
            async with self._http.post(path.format(self.namespace), json=body) as answer:
                if answer.status != 429:
                    await _read(answer)
                    return
            await asyncio.sleep(0.5)
        raise RuntimeError(f"{path} answers 429 after {TRIES} tries")

    async def patch(self, path: str, name: str, change: Object) -> None:
        """A merge patch; `name` may end in a subresource."""
        async with self._http.patch(
            f"{path.format(self.namespace)}/{name}",
            data=json.dumps(change),
            headers={"Content-Type": "application/merge-patch+json"},
        ) as answer:
            await _read(answer)

    async def patch_if_present(self, path: str, name: str, change: Object) -> None:
        """A patch of an object that may be gone by now."""
        with contextlib.suppress(AbsentError):
            await self.patch(path, name, change)

    async def delete(self, path: str, name: str) -> None:
        async with self._http.delete(f"{path.format(self.namespace)}/{name}") as answer:
            await _read(answer)

    async def all_of(self, path: str, label: str) -> list[Object]:
        """Objects of a kind with that label."""
        query = {"labelSelector": label}
        async with self._http.get(path.format(self.namespace), params=query) as answer:
            items: list[Object] = (await _read(answer))["items"]
            return items

    async def watch(self, path: str, label: str, heard: Heard) -> None:
        """Tell `heard` of every change, until cancelled."""
        headers = {"Accept": METADATA_ALONE}
        query = {"watch": "1", "labelSelector": label}
        async with self._http.get(
            path.format(self.namespace), params=query, headers=headers
        ) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                event = json.loads(line)
                heard(event["type"], event["object"]["metadata"])


class Children:
    """When each child was first seen, in each generation; what stands now."""

    def __init__(self) -> None:
        self.generation: dict[str, int] = {}
        self._seen_s: dict[tuple[str, int], float] = {}
        self._changed = asyncio.Event()

    def hear(self, event: str, metadata: Object) -> None:
        name = metadata["name"]
        if event == "DELETED":
            self.generation.pop(name, None)
        else:
            self.generation[name] = metadata["generation"]
            self._seen_s.setdefault((name, metadata["generation"]), time.monotonic())
        self._changed.set()

    async def wait(self, names: Iterable[str], generation: int | None, timeout_s: float) -> bool:
        """Until all of them stand in that generation or a later one (None: are gone)."""
        left = set(names)
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    left -= {name for name in left if self._reached(name, generation)}
                    if not left:
                        return True
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False

    def _reached(self, name: str, generation: int | None) -> bool:
        if generation is None:
            return name not in self.generation
        return self.generation.get(name, 0) >= generation

    def at_s(self, name: str, generation: int) -> float | None:
        """When the child was first seen in that generation."""
        return self._seen_s.get((name, generation))


class AbsentError(RuntimeError):
    """There is no such object."""


async def _read(answer: aiohttp.ClientResponse) -> Object:
    if answer.status == 404:
        raise AbsentError(str(answer.url))
    if answer.status >= 400:
        raise RuntimeError(f"{answer.method} {answer.url}: {answer.status} {await answer.text()}")
    document: Object = await answer.json(content_type=None)
    return document
