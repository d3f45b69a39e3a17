"""spec.template: merged as server-side apply does, refused where it takes what is not its own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.planning import diff
from tandem_operator.planning.pod import merge as template_merge
from tests.unit.planning import builders
from tests.unit.planning.world import World

OWNED_ENV = ("PYTHONPATH", "HF_*", "TANDEM_*")


def main(**fields: Any) -> builders.Object:
    return {"spec": {"containers": [{"name": "main", **fields}]}}


def test_the_engines_container_keeps_what_it_has_and_gains_what_is_asked() -> None:
    world = World(
        builders.resource(
            {
                "template": {
                    "metadata": {"annotations": {"team": "search"}},
                    "spec": {
                        "nodeSelector": {"gpu": "h100"},
                        "containers": [
                            {
                                "name": "main",
                                "env": [{"name": "OWN", "value": "1"}],
                                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                            },
                            {"name": "sidecar", "image": "sidecar"},
                        ],
                        "volumes": [{"name": "data", "emptyDir": {}}],
                    },
                }
            }
        )
    ).serve()

    pod = world.only("Deployment")["spec"]["template"]
    engine, sidecar = pod["spec"]["containers"]
    assert pod["metadata"]["annotations"] == {"team": "search"}
    assert pod["metadata"]["labels"]["tandem.dev/role"] == "engine"
    assert pod["spec"]["nodeSelector"] == {"gpu": "h100"}
    assert sidecar["name"] == "sidecar"
    assert engine["image"] == "vllm/vllm-openai:v0.32.0"
    assert {"name": "OWN", "value": "1"} in engine["env"]
    mounts = {mount["mountPath"] for mount in engine["volumeMounts"]}
    assert {"/data", "/models/target", "/models/draft", "/tandem/table", "/dev/shm"} <= mounts


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"spec": {"nodeSelector": None}}, "spec.template.spec.nodeSelector"),
        ({"spec": {"restartPolicy": "Never"}}, "spec.template.spec.restartPolicy"),
        ({"spec": {"shareProcessNamespace": True}}, "spec.template.spec.shareProcessNamespace"),
        ({"spec": []}, "spec.template.spec"),
        ({"status": {}}, "spec.template.status"),
        ({"metadata": {"name": "x"}}, "spec.template.metadata.name"),
        (
            {"metadata": {"labels": {"tandem.dev/role": "x"}}},
            "spec.template.metadata.labels.tandem.dev/role",
        ),
        (
            {"metadata": {"labels": {"app.kubernetes.io/name": "x"}}},
            "spec.template.metadata.labels.app.kubernetes.io/name",
        ),
        (main(command=["sh"]), "spec.template.spec.containers[0].command"),
        (main(args=["x"]), "spec.template.spec.containers[0].args"),
        (main(env=[{"name": "HF_HOME"}]), "spec.template.spec.containers[0].env[0].name"),
        (
            main(volumeMounts=[{"name": "a", "mountPath": "/models/target/x"}]),
            "spec.template.spec.containers[0].volumeMounts[0].mountPath",
        ),
        (
            main(volumeMounts=[{"name": "a", "mountPath": "/dev//shm/"}]),
            "spec.template.spec.containers[0].volumeMounts[0].mountPath",
        ),
        (
            main(volumeMounts=[{"name": "a", "mountPath": "/"}]),
            "spec.template.spec.containers[0].volumeMounts[0].mountPath",
        ),
        (
            {"spec": {"volumes": [{"name": "tandem-table"}]}},
            "spec.template.spec.volumes[0].name",
        ),
        (
            {"spec": {"initContainers": [{"name": "tandem-fetch"}]}},
            "spec.template.spec.initContainers[0].name",
        ),
        ({"spec": {"containers": [{"image": "x"}]}}, "spec.template.spec.containers[0]"),
    ],
)
def test_what_is_not_the_users_is_refused_where_it_stands(
    wrong: builders.Object, field: str
) -> None:
    assert [error.field for error in template_merge.validate(wrong, OWNED_ENV)] == [field]


def test_a_sibling_of_an_owned_path_is_the_users() -> None:
    mounts = [{"name": "a", "mountPath": path} for path in ("/models-2", "/dev/shmem", "/opt")]

    assert template_merge.validate(main(volumeMounts=mounts), OWNED_ENV) == ()


NAMED = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abcd"), "value": st.text("xyz", max_size=2)}),
    unique_by=lambda entry: entry["name"],
    max_size=4,
)


@given(base=NAMED, over=NAMED)
def test_keyed_lists_merge_by_key_and_merging_again_changes_nothing(
    base: list[builders.Object], over: list[builders.Object]
) -> None:
    once = template_merge.merged({"env": base}, {"env": over})

    values = {entry["name"]: entry["value"] for entry in once["env"]}
    expected = {entry["name"]: entry["value"] for entry in [*base, *over]}
    assert values == expected
    assert template_merge.merged(once, {"env": over}) == once


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1000m", "1", True),
        ("1Gi", "1024Mi", True),
        ("0.5", "500m", True),
        (1, "1", True),
        ("1e3", "1k", True),
        ("1G", "1Gi", False),
        ("a", "a ", False),
    ],
)
def test_quantities_are_the_same_when_their_amounts_are(one: Any, other: Any, same: bool) -> None:
    assert diff.same_amount(one, other) is same
