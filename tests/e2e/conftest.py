"""One real serving pair for all tests: real cluster, operator from its image, vLLM in two pods.

The engine image is a small stand-in whose `vllm` is the CPU environment on a volume; everything
else is what a user installs.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster
from hack.demo.environment import setup
from hack.demo.environment.kubectl import Kubectl
from hack.demo.environment.setup import SYSTEM_NAMESPACE, Images
from hack.images import recipes
from hack.vllm.environment import EnvironmentMissingError
from hack.vllm.environment import ensure as engine_environment
from tests.e2e.serving import NAME, Serving
from tests.parts import skip_without
from tests.releases import remove_release

REPOSITORY = Path(__file__).parents[2]
PAIR = REPOSITORY / "examples" / "tiny-pair"
NAMESPACE = "serving"


@pytest.fixture(scope="session")
def place(
    cluster: Cluster, images: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    """Models, claims and the operator: everything but a resource."""
    try:
        environment = engine_environment()
    except EnvironmentMissingError as missing:
        skip_without(missing)
    folder = tmp_path_factory.mktemp("models")
    permuted = folder / "made"
    subprocess.run(
        [sys.executable, "-m", "hack.pair", "permute", "--out", str(permuted)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    models = setup.models(folder, PAIR / "target", PAIR / "draft", permuted)
    open_to_all(folder)
    kubectl = Kubectl(cluster, NAMESPACE)
    setup.make_namespace(kubectl)
    setup.make_claims(kubectl, models, environment)
    remove_release(cluster, SYSTEM_NAMESPACE)
    torch = recipes.torch()
    cluster.load(torch.archive)
    named = Images(images["operator"], images["runtime"], images["engine"], torch.reference)
    setup.install_operator(cluster.helm, kubectl, named)
    yield Serving(cluster, kubectl, named, models)
    kubectl.run("delete", "specdep", "--all", "--wait=false")


@pytest.fixture(scope="session")
def serving(place: Serving) -> Serving:
    """The pair, Ready with two replicas, before any request."""
    place.apply(NAME, replicas=2)
    place.wait_ready(NAME, timeout_s=600)
    return place


def open_to_all(folder: Path) -> None:
    """Pods read the files under another user id than the one that runs the tests."""
    for path in [folder, *folder.parents][:3]:
        path.chmod(0o755)
