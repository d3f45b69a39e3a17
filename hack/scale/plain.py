"""The children of a resource, made by the bench itself: what the machine takes without an operator.

One POST each, and no resource: no operator can make them for less. Where these alone do not keep
up with a rate, the latencies of an operator at that rate are the machine's.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from hack.scale import api as paths
from hack.scale.api import Api, Children

Object = dict[str, Any]

MODEL = "first"
LABEL, OTHER_LABEL = "tandem.dev/deployment", "bench.example/deployment"
"""Without the label no operator hears of them."""
KINDS = (paths.CONTROLLER_REVISIONS, paths.CONFIG_MAPS, paths.SERVICES, paths.DEPLOYMENTS)
GIVEN = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")


async def bodies(api: Api) -> list[tuple[str, str]]:
    """Path and JSON of each child that the operator made of the first resource."""
    found = [(path, await api.all_of(path, f"{LABEL}={MODEL}")) for path in KINDS]
    return [(path, json.dumps(_bare(each))) for path, items in found for each in items]


async def create(api: Api, templates: list[tuple[str, str]], name: str) -> None:
    """The same children under another name, in their order."""
    for path, text in templates:
        renamed = text.replace(LABEL, OTHER_LABEL).replace(MODEL, name)
        await api.create(path, json.loads(renamed))


async def settled(api: Api, children: Children, names: list[str], timeout_s: float) -> bool:
    """Whether all their pods are Ready in time."""
    end_s = time.monotonic() + timeout_s
    while await children.wait(names, 1, max(0.0, end_s - time.monotonic())):
        made = await api.all_of(paths.DEPLOYMENTS, OTHER_LABEL)
        if sum(each.get("status", {}).get("readyReplicas", 0) for each in made) >= len(names):
            return True
        await asyncio.sleep(1)
    return False


def _bare(found: Object) -> Object:
    """As somebody would have written it."""
    metadata = {key: value for key, value in found["metadata"].items() if key not in GIVEN}
    metadata.pop("ownerReferences", None)
    bare = {**found, "metadata": metadata}
    bare.pop("status", None)
    if "clusterIP" in bare.get("spec", {}):
        bare["spec"] = {k: v for k, v in bare["spec"].items() if not k.startswith("clusterIP")}
    return bare
