"""The ground of all tests that need a Kubernetes: how to get one, and that nothing of it stays."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import hypothesis
import pytest

from hack.cluster import local, provider
from hack.cluster.binaries import MissingProgramError
from hack.cluster.cluster import Cluster
from hack.images import recipes, static
from tests.parts import skip_without

REPOSITORY = Path(__file__).parents[1]

# On a busy machine an example takes any time; pytest bounds whole tests.
hypothesis.settings.register_profile("tandem", deadline=None)
hypothesis.settings.load_profile("tandem")


@pytest.fixture(scope="session")
def new_control_plane() -> Iterator[Callable[[], Cluster]]:
    """Makes one more API server with every call (about 3 s); all end with the session."""
    with ExitStack() as stack:

        def make() -> Cluster:
            with _skipping():
                made = local.control_plane_up()
            stack.callback(made.end)
            return made

        yield make


@pytest.fixture(scope="session")
def shared_control_plane(new_control_plane: Callable[[], Cluster]) -> Cluster:
    """One API server for all tests of a worker, with the CRD; each takes a namespace of its own."""
    made = new_control_plane()
    made.install_crds(REPOSITORY / "crds")
    return made


@pytest.fixture
def control_plane() -> Iterator[Cluster]:
    """An API server for one test alone: etcd, API server, controller manager; no node, no CRD."""
    with _skipping():
        made = local.control_plane_up()
    yield made
    made.end()


@pytest.fixture(scope="session")
def new_cluster() -> Iterator[Callable[[], Cluster]]:
    """Makes one more cluster with a node with every call (about 5 s); all end with the session.

    The image of `probe` is loaded.
    """
    with ExitStack() as stack:

        def make() -> Cluster:
            with _skipping():
                made = provider.up(f"test-{os.getpid()}-{secrets.token_hex(2)}", keep=False)
                stack.callback(made.end)
                made.load(static.ensure("probe")[0])
            return made

        yield make


@pytest.fixture(scope="session")
def cluster(new_cluster: Callable[[], Cluster]) -> Cluster:
    """The session's cluster with a node; each test takes a namespace of its own."""
    return new_cluster()


@pytest.fixture(scope="session")
def images(cluster: Cluster) -> Mapping[str, str]:
    """References of `operator`, `runtime` and `engine`, built from this tree and loaded."""
    with _skipping():
        made = {
            "operator": recipes.operator(),
            "runtime": recipes.runtime(),
            "engine": recipes.engine(),
        }
    for image in made.values():
        cluster.load(image.archive)
    return {name: image.reference for name, image in made.items()}


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh namespace in `cluster`, or else in `shared_control_plane`, by what the test uses."""
    where = "cluster" if "cluster" in request.fixturenames else "shared_control_plane"
    named_cluster: Cluster = request.getfixturevalue(where)
    name = f"test-{secrets.token_hex(4)}"
    named_cluster.make_namespace(name)
    yield name
    named_cluster.run("delete", "namespace", name, "--wait=false")


@contextmanager
def _skipping() -> Iterator[None]:
    """A machine that cannot run a cluster skips, saying what it lacks."""
    try:
        yield
    except MissingProgramError as missing:
        skip_without(missing)
