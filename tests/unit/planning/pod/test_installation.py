"""What the administrator gives to pods: a proxy, authorities, how PodMonitors are made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tandem_operator.engines.interface.installation import CaBundle, Installation
from tests.unit.planning import builders
from tests.unit.planning.world import World

Object = dict[str, Any]

PROXY = "http://proxy.example.org:3128"
BEHIND_A_PROXY = replace(
    builders.INSTALLATION,
    environment={"HTTPS_PROXY": PROXY, "HOME": "/elsewhere", "TANDEM_LOCK": "no"},
    ca_bundle=CaBundle("corporate-ca", "bundle.pem"),
    hub_endpoint="https://hub.example.org",
)


def served(installation: Installation = builders.INSTALLATION) -> World:
    made = World()
    made.installation = installation
    made.settle()
    made.lock_ends(builders.good())
    made.settle()
    made.roll_out()
    made.settle()
    return made


def containers(world: World) -> tuple[Object, Object, Object, Object]:
    """Lock container and its pod, fetching container and its pod."""
    (job,) = [each for (kind, _), each in world.objects.items() if kind == "Job"]
    lock = job["spec"]["template"]["spec"]
    engine = world.objects["Deployment", builders.NAME]["spec"]["template"]["spec"]
    return lock["containers"][0], lock, engine["initContainers"][0], engine


def test_proxy_and_authorities_reach_the_lock_and_the_fetch_alone() -> None:
    lock, lock_pod, fetch, engine = containers(served(installation=BEHIND_A_PROXY))

    for container, pod in ((lock, lock_pod), (fetch, engine)):
        env = {each["name"]: each["value"] for each in container["env"]}
        assert env["HTTPS_PROXY"] == PROXY
        assert env["SSL_CERT_FILE"] == env["AWS_CA_BUNDLE"] == "/etc/tandem-ca/ca.crt"
        assert env["HF_ENDPOINT"] == "https://hub.example.org"
        mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
        (volume,) = [v for v in pod["volumes"] if v["name"] == mounts["/etc/tandem-ca"]]
        assert volume["configMap"] == {
            "name": "corporate-ca",
            "items": [{"key": "bundle.pem", "path": "ca.crt"}],
        }
    # The engine is the user's: its template says what it trusts.
    (main,) = engine["containers"]
    assert "HTTPS_PROXY" not in {each["name"] for each in main["env"]}
    assert "/etc/tandem-ca" not in {each["mountPath"] for each in main["volumeMounts"]}


def test_what_the_containers_need_cannot_be_taken_from_them() -> None:
    lock, _, fetch, _ = containers(served(installation=BEHIND_A_PROXY))

    env = {each["name"]: each["value"] for each in fetch["env"]}
    assert env["HOME"] == "/tmp"
    assert env["TANDEM_LOCK"] != "no"
    names = [each["name"] for each in lock["env"]]
    assert len(names) == len(set(names))


def test_pods_that_serve_are_not_rolled_when_the_administrator_changes_them() -> None:
    world = served()
    before = world.objects["Deployment", builders.NAME]["spec"]["template"]

    world.installation = BEHIND_A_PROXY
    world.settle()

    assert world.objects["Deployment", builders.NAME]["spec"]["template"] == before


def test_pod_monitors_have_the_administrators_labels_and_interval() -> None:
    world = served(
        installation=replace(
            builders.INSTALLATION,
            pod_monitors=True,
            pod_monitor_labels={"release": "prometheus", "tandem.dev/role": "x"},
            pod_monitor_interval="15s",
        )
    )
    monitor = world.objects["PodMonitor", builders.NAME]

    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["metadata"]["labels"]["tandem.dev/role"] == "engine"
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["interval"] == "15s"
    assert monitor["spec"]["podTargetLabels"] == ["tandem.dev/deployment"]
