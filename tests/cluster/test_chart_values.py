"""Every value of the chart: what it renders to is an object that the API server takes as it is."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hack.cluster.binaries import MissingProgramError
from hack.cluster.cluster import Cluster
from hack.prometheus import definitions
from tests.cluster.chart_values import (
    CHART,
    MONITORED,
    SETS,
    SYSTEM,
    VALUES,
    Object,
    Render,
    operator,
    rendered,
    variables,
)
from tests.parts import skip_without


@pytest.fixture
def render(shared_control_plane: Cluster, tmp_path: Path) -> Render:
    def run(values: Object, *words: str) -> str:
        file = tmp_path / "values.yaml"
        file.write_text(json.dumps(values))
        command = [str(shared_control_plane.helm), "template", "tandem", str(CHART)]
        done = subprocess.run(
            [*command, f"--namespace={SYSTEM}", f"--values={file}", *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def ground(shared_control_plane: Cluster) -> Iterator[Cluster]:
    """The namespaces, and the Prometheus operator's own definitions."""
    try:
        files = definitions.ensure()
    except MissingProgramError as missing:
        skip_without(missing)
    for name in (SYSTEM, "one", "two"):
        shared_control_plane.run("create", "namespace", name)
    for file in files:
        shared_control_plane.run("apply", "--server-side", "-f", str(file))
    shared_control_plane.wait_established("crd", "--all")
    yield shared_control_plane
    for file in files:
        shared_control_plane.run("delete", "-f", str(file))
    for name in (SYSTEM, "one", "two"):
        shared_control_plane.run("delete", "namespace", name, "--wait=false")


@pytest.mark.cluster
@pytest.mark.parametrize("name", SETS)
def test_the_api_server_takes_what_each_set_of_values_renders_to(
    ground: Cluster, render: Render, name: str
) -> None:
    text = render(SETS[name])
    words = ("apply", "--server-side", "--dry-run=server", "--validate=strict")
    done = subprocess.run(
        [*ground.kubectl_command(), *words, "--force-conflicts", "-f", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == len([1 for e in yaml.safe_load_all(text) if e])


def test_the_sets_touch_every_value_at_the_top() -> None:
    touched = {key for values in SETS.values() for key in values}

    # Its default says the kind of each quantity; nothing else is rendered from them.
    assert set(VALUES) - touched == {"resources"}


@pytest.mark.cluster
@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_typo_in_any_value_at_the_top_is_refused_by_name(
    shared_control_plane: Cluster, name: str
) -> None:
    wrong = name + "x"
    done = subprocess.run(
        [
            str(shared_control_plane.helm),
            "template",
            "tandem",
            str(CHART),
            f"--set-json={wrong}={json.dumps(VALUES[name])}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert wrong in done.stderr


@pytest.mark.cluster
def test_a_proxy_and_authorities_reach_the_operator_and_its_pods(render: Render) -> None:
    text = render(SETS["behind a proxy"])
    environment = variables(text)
    inside = json.loads(environment["TANDEM_RUNTIME_ENVIRONMENT"])

    assert (
        environment["HTTPS_PROXY"] == environment["https_proxy"] == "http://proxy.example.org:3128"
    )
    # The API server is never asked through the proxy.
    assert environment["NO_PROXY"] == "$(KUBERNETES_SERVICE_HOST),.svc,.cluster.local,10.0.0.0/8"
    assert inside["HTTPS_PROXY"] == "http://proxy.example.org:3128"
    assert inside["no_proxy"] == ".svc,.cluster.local,10.0.0.0/8"
    assert inside["HF_HUB_DOWNLOAD_TIMEOUT"] == "60"
    assert environment["REQUESTS_CA_BUNDLE"] == "/etc/tandem-ca/ca.crt"
    assert (environment["TANDEM_CA_CONFIG_MAP"], environment["TANDEM_CA_KEY"]) == (
        "corporate-ca",
        "bundle.pem",
    )
    assert "HTTPS_PROXY" not in variables(render({}))


@pytest.mark.cluster
def test_labels_and_annotations_for_all_are_on_all(render: Render) -> None:
    values = {**SETS["extra"], "metrics": MONITORED, "extraObjects": []}
    for place, each in rendered(render(values)).items():
        assert each["metadata"]["labels"]["team"] == "serving", place
        assert each["metadata"]["annotations"]["contact"] == "serving@example.org", place
    pod = operator(render(values))["metadata"]
    assert pod["labels"]["tier"] == "control"
    assert pod["annotations"]["linkerd.io/inject"] == "enabled"


@pytest.mark.cluster
def test_no_label_for_all_can_take_the_place_of_one_that_selects(render: Render) -> None:
    values = {"commonLabels": {"app.kubernetes.io/name": "x"}, "podLabels": {"helm.sh/chart": "y"}}
    text = render(values)
    selector = rendered(text)["Deployment", "tandem"]["spec"]["selector"]["matchLabels"]

    assert selector.items() <= operator(text)["metadata"]["labels"].items()


@pytest.mark.cluster
def test_the_pod_of_helm_test_is_none_of_the_operators(render: Render) -> None:
    objects = rendered(render({}))
    labels = objects["Pod", "tandem-test"]["metadata"]["labels"]

    for kind, path in (("Service", "selector"), ("Deployment", "matchLabels")):
        selector = objects[kind, "tandem"]["spec"]["selector"]
        selector = selector if path == "selector" else selector[path]
        assert not selector.items() <= labels.items()


@pytest.mark.cluster
def test_the_rights_of_people_are_added_to_the_clusters_roles(
    ground: Cluster, render: Render
) -> None:
    ground.apply(render({}, "--show-only=templates/aggregate.yaml"))
    for role, account in (("view", "reader"), ("edit", "writer")):
        ground.run("create", "serviceaccount", account, "--namespace=one")
        ground.run(
            "create",
            "rolebinding",
            account,
            f"--clusterrole={role}",
            f"--serviceaccount=one:{account}",
            "--namespace=one",
        )

    def may(account: str, verb: str, *what: str) -> bool:
        who = f"--as=system:serviceaccount:one:{account}"
        words = [*ground.kubectl_command(), "auth", "can-i", verb, *what, who, "-n", "one"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.stdout.strip() == "yes"

    kind = "speculativedeployments.tandem.dev"
    ground.run("wait", "--for=jsonpath={.rules}", "clusterrole/view")
    assert may("reader", "list", kind)
    assert not may("reader", "create", kind)
    assert may("writer", "create", kind)
    assert may("writer", "patch", kind, "--subresource=scale")
    # Status is the operator's alone.
    assert not may("writer", "patch", kind, "--subresource=status")


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"networkPolicy": {"engines": {"enabled": True}}},
            "networkPolicy.engines.namespaces",
        ),
        (
            {
                "metrics": {
                    "podMonitor": {"enabled": True},
                    "serviceMonitor": {"enabled": True},
                }
            },
            "metrics.serviceMonitor.enabled",
        ),
    ],
)
def test_values_that_do_not_go_together_are_refused_by_name(
    shared_control_plane: Cluster, tmp_path: Path, values: Object, words: str
) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(json.dumps(values))
    done = subprocess.run(
        [str(shared_control_plane.helm), "template", "tandem", str(CHART), f"--values={file}"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert words in done.stderr
