"""Every example, and all that is made for it, is taken by a real API server.

A dry run of the server: schema, defaults and validation of each kind, and nothing stored. Unknown
fields are errors. PodMonitors are left out, for their definition is not installed.
"""

from __future__ import annotations

import pytest

from hack.cluster.cluster import Cluster
from tests.cluster.example_manifests import GROUPS, MANIFESTS, kinds_taken

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("example", [each for each in MANIFESTS if not each.startswith(GROUPS)])
def test_an_example_and_its_children_are_taken(
    shared_control_plane: Cluster, namespace: str, example: str
) -> None:
    assert "Deployment" in kinds_taken(shared_control_plane, namespace, example)
