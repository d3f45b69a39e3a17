"""Lists come whole though they come in pages, and a stream goes on where the list ended."""

from __future__ import annotations

import json

import pytest

from hack.cluster.cluster import Cluster
from tandem_operator.cluster.kinds import CHILDREN
from tandem_operator.cluster.streams import Streams

NAMESPACE = "pages"
CONFIG_MAP = next(kind for kind in CHILDREN if kind.kind == "ConfigMap")
LABELS = {"tandem.dev/deployment": "chat"}

pytestmark = pytest.mark.cluster


def make(cluster: Cluster, name: str, labels: dict[str, str]) -> None:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels}
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}))


async def test_a_list_in_pages_and_the_stream_after_it_miss_nothing(
    control_plane: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig))
    control_plane.make_namespace(NAMESPACE)
    for number in range(5):
        make(control_plane, f"one-{number}", LABELS)
    make(control_plane, "foreign", {})

    streams = Streams(chunk=2)
    async with streams.open() as stream:
        pages = [page async for page in stream.pages(CONFIG_MAP, NAMESPACE)]
        make(control_plane, "later", LABELS)
        async for event, raw in stream.events(CONFIG_MAP, NAMESPACE, stream.version):
            assert (event, raw["metadata"]["name"]) == ("ADDED", "later")
            break

    assert [len(page) for page in pages] == [2, 2, 1]
    names = [raw["metadata"]["name"] for page in pages for raw in page]
    assert names == [f"one-{number}" for number in range(5)]
