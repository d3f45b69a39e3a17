"""The examples, and whether a real API server takes one with all that is made for it."""

from __future__ import annotations

import copy
import json

from hack.cluster.cluster import Cluster
from tests.unit.planning import rendered

MANIFESTS = rendered.manifests()
GROUPS = "several-nodes/"
"""Examples of a kind that is not installed either; `test_groups.py` has the same of them."""
NOT_INSTALLED = ("PodMonitor",)


def kinds_taken(cluster: Cluster, namespace: str, example: str) -> set[str]:
    """Kinds of the example and of all that is made for it; each object was taken."""
    bodies = [MANIFESTS[example], *rendered.bodies(MANIFESTS[example])]
    wanted = []
    for body in bodies:
        if body["kind"] in NOT_INSTALLED:
            continue
        moved = copy.deepcopy(body)
        moved["metadata"]["namespace"] = namespace
        # A dry run stores nothing, so that nothing has the UID that a later write would name.
        moved["metadata"].pop("uid", None)
        moved["metadata"].pop("resourceVersion", None)
        wanted.append(moved)
    kinds = {each["kind"] for each in wanted}
    assert {"SpeculativeDeployment", "Job", "ConfigMap"} <= kinds

    output = cluster.run(
        "apply", "--server-side", "--dry-run=server", "--validate=strict",
        f"--namespace={namespace}", "-f", "-",
        stdin="\n---\n".join(json.dumps(each) for each in wanted),
    )  # fmt: skip

    assert output.count("serverside-applied") == len(wanted)
    return kinds
