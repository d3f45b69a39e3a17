"""What is kept and what has had its time: revisions, tables, and who is told of a table."""

from __future__ import annotations

from tandem_operator.planning.children.revisions.revision import KEPT
from tests.unit.planning import builders
from tests.unit.planning.world import World


def change_pair(world: World, number: int) -> None:
    world.edit({"draft.revision": f"v{number}"})
    world.settle()
    digest = "tokfp/v1:sha256:" + f"{number:064x}"
    world.lock_ends(builders.good(target=builders.side(tokenizer_digest=digest)))
    world.settle()


def served_pairs(count: int) -> World:
    world = World().serve()
    for number in range(1, count):
        change_pair(world, number)
        world.roll_out()
        world.settle()
    return world


def test_exactly_the_newest_ten_revisions_are_kept() -> None:
    world = served_pairs(KEPT + 3)

    numbers = sorted(int(raw["revision"]) for raw in world.all_of("ControllerRevision"))
    assert KEPT == 10
    assert numbers == list(range(4, 14))


def test_a_revision_that_pods_still_run_is_kept_beyond_the_ten() -> None:
    """Without it a lost status could not say what those pods serve."""
    world = World().serve()
    first = world.only("ControllerRevision")["metadata"]["name"]
    for number in range(1, KEPT + 3):
        change_pair(world, number)

    assert first in {raw["metadata"]["name"] for raw in world.all_of("ControllerRevision")}

    world.roll_out()
    world.settle()
    assert first not in {raw["metadata"]["name"] for raw in world.all_of("ControllerRevision")}


def test_pods_alone_keep_their_revision_where_status_was_lost() -> None:
    world = World().serve()
    first = world.only("ControllerRevision")["metadata"]["name"]
    for number in range(1, KEPT):
        change_pair(world, number)
    for number in (KEPT, KEPT + 1):
        world.resource["status"] = {}
        change_pair(world, number)
        world.resource["status"] = {}
        world.reconcile()

    assert first in {raw["metadata"]["name"] for raw in world.all_of("ControllerRevision")}


def test_status_alone_keeps_the_revision_that_serves_where_no_pod_runs() -> None:
    world = World().serve()
    first = world.only("ControllerRevision")["metadata"]["name"]
    for pod in tuple(world.engine_pods()):
        del world.objects["Pod", pod["metadata"]["name"]]
    serving = world.resource["status"]["pair"]
    for number in range(1, KEPT + 2):
        change_pair(world, number)
        world.resource["status"]["pair"] = serving
        world.reconcile()

    assert first in {raw["metadata"]["name"] for raw in world.all_of("ControllerRevision")}


def test_only_running_pods_of_the_tables_lock_are_told_of_it() -> None:
    world = World(builders.resource({"replicas": 3})).serve()
    starting, other, informed = world.engine_pods()
    starting["status"]["phase"] = "Pending"
    other["metadata"]["labels"]["tandem.dev/lock"] = "0" * 8
    before = {pod["metadata"]["name"]: known_generation(pod) for pod in (starting, other, informed)}

    world.tuning = builders.tuning(world.lock_hash)
    world.settle()

    generation = world.resource["status"]["speculation"]["generation"]
    assert known_generation(informed) == generation > before[informed["metadata"]["name"]]
    for pod in (starting, other):
        assert known_generation(pod) == before[pod["metadata"]["name"]]


def known_generation(pod: builders.Object) -> int:
    return int(pod["metadata"].get("annotations", {}).get("tandem.dev/table-generation", -1))


def test_a_job_is_kept_a_minute_for_its_log() -> None:
    world = World()
    world.settle()
    world.lock_ends(builders.good())
    world.settle()
    assert world.all_of("Job")

    world.pass_time(59)
    world.settle()
    assert world.all_of("Job")

    world.pass_time(2)
    world.settle()
    assert not world.all_of("Job")


def test_of_two_inputs_with_one_lock_the_earlier_serves_until_the_rollout_is_done() -> None:
    """Their pods carry the same lock, so status alone knows which of them is meant."""
    world = World().serve()
    first = world.resource["status"]["pair"]["inputHash"]
    world.edit({"engine.args": ["--max-num-seqs=64"]})
    world.settle()
    world.lock_ends(builders.good())
    world.settle()
    assert len(world.all_of("ControllerRevision")) == 2
    assert len({each["data"]["lock"]["hash"] for each in world.all_of("ControllerRevision")}) == 1
    assert world.resource["status"]["pair"]["inputHash"] == first

    world.roll_out()
    world.settle()
    assert world.resource["status"]["pair"]["inputHash"] != first


def test_a_new_revision_is_the_newest_from_its_first_write_on() -> None:
    """Until it is, pods of the one before it would be made again."""
    world = World().serve()
    change_pair(world, 1)

    first, second = sorted(world.all_of("ControllerRevision"), key=lambda each: each["revision"])
    assert (first["revision"], second["revision"]) == (1, 2)
    assert world.writes["apply", "ControllerRevision", second["metadata"]["name"]] == 1
