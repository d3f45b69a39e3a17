"""Sources that this release cannot fetch are told at once; no Job goes after them."""

from __future__ import annotations

import pytest

from tandem_runtime.contract.request import DRAFT
from tests.unit.planning import builders
from tests.unit.planning.world import World


@pytest.mark.parametrize(
    ("field", "uri", "remedy"),
    [
        ("target.tokenizer.uri", "hf://org/tokenizer", "put its files beside the target's weights"),
        ("draft.tokenizer.uri", "oci://registry.example/tokenizer:1", "use hf://"),
        ("draft.tokenizer.uri", "pvc://models/tokenizer", "put the tokenizer beside the weights"),
    ],
)
def test_it_is_stalled_with_field_value_and_remedy(field: str, uri: str, remedy: str) -> None:
    world = World(builders.resource({field: uri}))
    world.settle()

    assert world.names() == set()
    assert world.condition("Stalled") == ("True", "UnsupportedCombination")
    for words in (f"spec.{field}", uri, remedy):
        assert words in world.message("Stalled")


def test_every_such_source_is_told_at_once() -> None:
    elsewhere = {"uri": "pvc://models/tokenizer"}
    world = World(builders.resource({"target.tokenizer": elsewhere, "draft.tokenizer": elsewhere}))
    world.settle()

    assert "spec.target.tokenizer.uri: pvc://models/tokenizer" in world.message("Stalled")
    assert "spec.draft.tokenizer.uri: pvc://models/tokenizer" in world.message("Stalled")


def test_a_source_that_can_be_brought_is_inspected_once_it_is_named() -> None:
    world = World(builders.resource({"draft.tokenizer": {"uri": "pvc://models/tokenizer"}}))
    world.settle()

    world.edit({"draft.tokenizer": None, "draft.uri": "pvc://models/draft"})
    world.settle()

    assert world.condition("Stalled") is None
    (job,) = world.all_of("Job")
    mount = {
        "name": f"tandem-{DRAFT}",
        "mountPath": "/sources/draft",
        "readOnly": True,
        "subPath": "draft",
    }
    assert mount in job["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]


def test_a_bucket_is_fetched_with_the_sides_own_secret() -> None:
    """Mounted nowhere: lock Job and fetching init container read it, the engine does not."""
    world = World(
        builders.resource({"target.uri": "s3://bucket/target", "target.secretName": "bucket-keys"})
    )
    world.settle()

    assert world.condition("Stalled") is None
    (job,) = world.all_of("Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert {"prefix": "TARGET_", "secretRef": {"name": "bucket-keys"}} in container["envFrom"]
    assert all(mount["name"] != "tandem-target" for mount in container["volumeMounts"])
