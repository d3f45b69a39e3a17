"""`kubectl apply` of a bad manifest is refused, or Stalled with field, value and remedy.

The table is in `bad_manifests`. Nothing of it may lead to a Job or a pod.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from hack.cluster.cluster import Cluster, ClusterError
from tests.cluster.bad_manifests.case import Bad, Object
from tests.cluster.bad_manifests.schema import REFUSED_BY_SCHEMA
from tests.cluster.bad_manifests.stalled import STALLED
from tests.cluster.outside.operators import Operators
from tests.cluster.outside.rights import REPOSITORY, install_rights
from tests.cluster.outside.room import Room
from tests.cluster.outside.server import CHILDREN, Server
from tests.cluster.outside.waiting import wait

pytestmark = pytest.mark.cluster

NAMESPACE = "bad"
MENDED = "mended"
NAMES = {case: f"case-{place}" for place, case in enumerate(STALLED)}


def apply(api: Cluster, *manifests: Object, namespace: str = NAMESPACE) -> None:
    text = "\n---\n".join(json.dumps(each) for each in manifests)
    api.run("apply", "--server-side", f"--namespace={namespace}", "-f", "-", stdin=text)


def wait_until_stalled(room: Room) -> None:
    wait(f"{room.name} is Stalled", lambda: room.condition("Stalled") is not None)


def title(case: Bad) -> str:
    return case.title


@pytest.fixture(scope="module")
def api(new_control_plane: Callable[[], Cluster]) -> Cluster:
    made = new_control_plane()
    made.install_crds(REPOSITORY / "crds")
    made.make_namespace(NAMESPACE)
    made.make_namespace(MENDED)
    return made


@pytest.fixture(scope="module")
def server(api: Cluster) -> Iterator[Server]:
    made = Server(api)
    yield made
    made.close()


@pytest.fixture(scope="module")
def applied(
    api: Cluster, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """All manifests that the schema accepts are applied at once, and an operator has seen them."""
    folder = tmp_path_factory.mktemp("operators")
    operators = Operators(api, folder, install_rights(api, folder))
    operators.start("first")
    apply(api, *(case.manifest(name) for case, name in NAMES.items()))
    yield server
    operators.end()


@pytest.mark.parametrize("case", REFUSED_BY_SCHEMA, ids=title)
def test_the_api_server_refuses_it_with_field_value_and_remedy(api: Cluster, case: Bad) -> None:
    with pytest.raises(ClusterError) as refused:
        apply(api, case.manifest())

    for words in (case.field, case.value, case.remedy):
        assert words in str(refused.value)


@pytest.mark.parametrize("case", STALLED, ids=title)
def test_it_is_stalled_with_field_value_and_remedy(applied: Server, case: Bad) -> None:
    room = Room(applied, NAMESPACE, NAMES[case])
    wait_until_stalled(room)

    assert room.condition("Stalled") == ("True", case.reason)
    for words in (case.field, case.value, case.remedy):
        assert words in room.message("Stalled")
    assert room.condition("Ready") is not None
    assert room.condition("Ready") != ("True", "Serving")


def test_nothing_is_made_of_any_of_them(applied: Server) -> None:
    for name in NAMES.values():
        wait_until_stalled(Room(applied, NAMESPACE, name))

    assert {kind: applied.all_of(kind, NAMESPACE) for kind in (*CHILDREN, "pods")} == {
        kind: [] for kind in (*CHILDREN, "pods")
    }


def test_a_manifest_that_is_mended_is_taken_up(applied: Server, api: Cluster) -> None:
    (case,) = (each for each in STALLED if each.title == "the argument -dpr=1")
    room = Room(applied, MENDED)
    apply(api, case.manifest(), namespace=MENDED)
    wait_until_stalled(room)

    room.edit(engine={"args": ["--dtype=float32"]})

    wait("it is being locked", lambda: room.condition("Reconciling") == ("True", "Locking"))
    assert room.condition("Stalled") is None
