"""What the operator asks of a real API server beyond the plain reads and writes."""

from __future__ import annotations

import json

import pytest
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from hack.cluster.cluster import Cluster
from tandem_operator.reconcile import client as calls
from tandem_operator.reconcile.client import KINDS, Client

NAMESPACE = "uids"
CONFIG_MAP = KINDS["v1", "ConfigMap"]

pytestmark = pytest.mark.cluster


async def test_uids_come_whole_though_they_come_in_pages(
    control_plane: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "PAGE", 2)
    control_plane.make_namespace(NAMESPACE)
    labels = {"tandem.dev/deployment": "chat"}
    for number, given in enumerate((labels, labels, labels, labels, labels, {})):
        metadata = {"name": f"one-{number}", "namespace": NAMESPACE, "labels": given}
        control_plane.apply(
            json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
        )
    words = ("get", "configmaps", "-n", NAMESPACE, "-l", "tandem.dev/deployment", "-o", "json")
    stand = {each["metadata"]["uid"] for each in json.loads(control_plane.run(*words))["items"]}

    configuration = Configuration()
    await config.load_kube_config(str(control_plane.kubeconfig), client_configuration=configuration)
    async with ApiClient(configuration) as api:
        client = Client(api, lambda: 0.0, lambda *_: None)
        found = await client.uids(CONFIG_MAP, NAMESPACE, "tandem.dev/deployment")

    assert len(stand) == 5
    assert found == stand
