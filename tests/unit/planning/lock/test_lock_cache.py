"""One inspection of a pair serves every resource of its namespace, where the pair cannot change."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from tandem_operator.api import names
from tandem_operator.cluster.store import Key
from tandem_operator.planning import resource
from tandem_operator.planning.lock import cache as lock_cache
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.namespaces import COMMIT, Namespaces

OTHER_COMMIT = "0" * 39 + "2"
IMAGE = "oci://registry.example/target@sha256:" + "a" * 64


@pytest.fixture
def world() -> Namespaces:
    return Namespaces()


def many(world: Namespaces, count: int, **fields: Any) -> list[Key]:
    return [world.add(f"chat-{number}", **fields) for number in range(count)]


def test_a_thousand_resources_of_one_pair_run_one_job(world: Namespaces) -> None:
    keys = many(world, 1_000)
    world.reconcile_all()
    assert world.jobs_made == [keys[0]]
    assert world.condition(keys[-1], "Reconciling") == ("True", "Locking")
    assert "chat-0" in world.message(keys[-1], "PairCompatible")

    world.job_ends(keys[0], builders.good())
    world.reconcile_all()
    assert world.jobs_made == [keys[0]]
    assert all(world.locked(key) for key in keys)


def test_each_namespace_inspects_for_itself(world: Namespaces) -> None:
    one, two = world.add("chat", namespace="one"), world.add("chat", namespace="two")
    world.reconcile_all()
    assert world.jobs_made == [one, two]

    world.job_ends(one, builders.good())
    world.reconcile_all()
    assert world.locked(one)
    assert not world.locked(two), "what one namespace may read is nothing to another"

    late = world.add("late", namespace="three")
    world.reconcile(late)
    assert world.jobs_made == [one, two, late]


def test_what_is_locked_is_known_after_a_restart(world: Namespaces) -> None:
    first = world.add("first")
    world.reconcile(first)
    world.job_ends(first, builders.good())
    world.reconcile(first)
    world.restart()

    second = world.add("second")
    world.reconcile(second)
    assert world.locked(second)
    assert world.jobs_made == [first]


def test_a_job_under_way_is_known_after_a_restart_whoever_is_reconciled_first(
    world: Namespaces,
) -> None:
    leader, follower = world.add("zulu"), world.add("alpha")
    world.reconcile(leader)
    world.restart()
    for key in (follower, leader):
        world.reconcile(key)
    assert world.jobs_made == [leader]

    world.job_ends(leader, builders.good())
    world.restart()
    for key in (follower, leader):
        world.reconcile(key)
    assert world.jobs_made == [leader]
    assert world.locked(follower) and world.locked(leader)


def test_another_of_them_inspects_where_the_first_is_deleted(world: Namespaces) -> None:
    keys = many(world, 3)
    world.reconcile_all()
    world.delete(keys[0])
    world.reconcile_all()
    assert world.jobs_made == keys[:2]


def test_another_of_them_inspects_where_the_first_asks_for_something_else(
    world: Namespaces,
) -> None:
    keys = many(world, 3)
    world.reconcile_all()
    world.edit(keys[0], {"draft.uri": "hf://org/other"})
    for _ in range(2):
        world.reconcile_all()
    assert world.jobs_made == [keys[0], keys[0], keys[1]]


def test_a_wrong_pair_is_refused_for_all_that_ask(world: Namespaces) -> None:
    keys = many(world, 3)
    world.reconcile_all()
    world.job_ends(keys[0], builders.wrong())
    world.reconcile_all()
    for key in keys:
        assert world.condition(key, "PairCompatible") == ("False", "IdsDiffer")
        assert world.condition(key, "Stalled") == ("True", "PairRejected")
    assert world.jobs_made == keys[:1]


def test_nobody_waits_for_a_job_that_is_scheduled_otherwise(world: Namespaces) -> None:
    """Its node selector may match no node; what it found in the end is as good as any."""
    elsewhere = {"template": {"spec": {"nodeSelector": {"gpu": "none"}}}}
    stuck, first, second = world.add("stuck", elsewhere), world.add("first"), world.add("second")
    world.reconcile_all()
    assert world.jobs_made == [stuck, first]

    world.job_ends(first, builders.good())
    world.reconcile_all()
    assert world.locked(first) and world.locked(second)
    assert not world.locked(stuck), "its own Job still inspects"

    late = world.add("late", elsewhere)
    world.reconcile(late)
    assert world.locked(late)


def test_a_job_that_could_not_inspect_says_so_to_all_and_one_tries_again(world: Namespaces) -> None:
    keys = many(world, 3)
    world.reconcile_all()
    world.job_ends(keys[0], builders.not_found())
    world.reconcile_all()
    for key in keys:
        assert world.condition(key, "Stalled") == ("True", "ModelNotFound")

    world.now = builders.START.replace(hour=builders.START.hour + 1)
    for _ in range(3):
        world.reconcile_all()
    assert len(world.jobs_made) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"target.revision": None},
        {"draft.revision": "v1.0"},
        {"draft.revision": COMMIT[:12]},
        {"target.uri": "pvc://models/target", "target.revision": None},
        {"draft.tokenizer": {"uri": "hf://org/tokenizer", "revision": "main"}},
    ],
)
def test_what_may_change_is_inspected_for_each(world: Namespaces, changes: Object) -> None:
    first, second = world.add("first", changes), world.add("second", changes)
    world.reconcile(first)
    world.job_ends(first, builders.good())
    world.reconcile(first)
    world.reconcile(second)
    assert world.jobs_made == [first, second]


@pytest.mark.parametrize(
    "changes",
    [
        {"draft.revision": OTHER_COMMIT},
        {"draft.uri": "hf://org/other"},
        {"tokenizerLock.policy": "Exact"},
        {"tokenizerLock.digest": "tokfp/v1:sha256:" + "c" * 64},
        {"tokenizerLock.allowRemoteCode": True},
        {"speculation.method": "Eagle"},
        {"target.servedName": "other"},
        {"target.secretName": "token"},
        {"draft.secretName": "token"},
        {"imagePullSecrets": ["pull"]},
        {"serviceAccountName": "reader"},
        {"draft.tokenizer": {"uri": "hf://org/tokenizer", "revision": COMMIT}},
    ],
)
def test_another_question_or_other_credentials_are_another_inspection(
    world: Namespaces, changes: Object
) -> None:
    first, second = world.add("first"), world.add("second", changes)
    world.reconcile(first)
    world.job_ends(first, builders.good())
    world.reconcile(first)
    world.reconcile(second)
    assert world.jobs_made == [first, second]


@pytest.mark.parametrize(
    "changes",
    [
        {"engine.args": ["--max-model-len=4096"]},
        {"speculation.maxTokens": 3},
        {"template": {"spec": {"nodeSelector": {"gpu": "h100"}}}},
        {"replicas": 4},
    ],
)
def test_what_a_job_does_not_see_changes_nothing(world: Namespaces, changes: Object) -> None:
    first, second = world.add("first"), world.add("second", changes)
    world.reconcile(first)
    world.job_ends(first, builders.good())
    world.reconcile(first)
    world.reconcile(second)
    assert world.jobs_made == [first]
    assert world.locked(second)


def test_an_edit_of_arguments_needs_no_second_inspection_of_a_pinned_pair(
    world: Namespaces,
) -> None:
    key = world.add("chat")
    world.reconcile(key)
    world.job_ends(key, builders.good())
    world.reconcile(key)
    world.edit(key, {"engine.args": ["--max-model-len=4096"]})
    world.reconcile(key)
    assert world.jobs_made == [key]
    assert world.condition(key, "Reconciling") == ("True", "RollingOut")


def test_another_release_of_the_lock_inspects_for_itself(world: Namespaces) -> None:
    first = world.add("first")
    world.reconcile(first)
    world.job_ends(first, builders.good())
    world.reconcile(first)
    world.installation = replace(world.installation, runtime_image="registry.example/newer")
    second = world.add("second")
    world.reconcile_all()
    assert world.jobs_made == [first, second]
    assert world.plan(first).sharing is None, "what is locked stays as it is"


def test_a_revision_that_no_resource_controls_counts_for_nothing(world: Namespaces) -> None:
    first = world.add("first")
    world.reconcile(first)
    world.job_ends(first, builders.good())
    world.reconcile(first)
    stored = world.store.objects(first)
    revision = next(each for each in stored if each["kind"] == "ControllerRevision")
    forged = copy.deepcopy(revision)
    forged["metadata"] |= {"ownerReferences": [], "name": "forged", "uid": "uid-forged"}
    wanted = resource.parse(world.store.resource(first) or {})
    name = lock_cache.pair(wanted, world.installation)
    assert name == forged["metadata"]["labels"][names.LABEL_PAIR]
    assert lock_cache.known(name, [revision]) is not None
    assert lock_cache.known(name, [forged]) is None


def test_a_paused_resource_keeps_nobody_waiting(world: Namespaces) -> None:
    paused, other = world.add("paused", {"paused": True}), world.add("other")
    world.reconcile_all()
    assert world.jobs_made == [other]
    assert world.plan(paused).sharing is not None


def test_an_image_by_digest_is_as_good_as_a_commit(world: Namespaces) -> None:
    def name(uri: str) -> str | None:
        changes: Object = {"target.uri": uri, "target.revision": None, "draft.revision": COMMIT}
        return lock_cache.pair(resource.parse(builders.resource(changes)), builders.INSTALLATION)

    assert name(IMAGE) is not None
    assert name("oci://registry.example/target:v1") is None
