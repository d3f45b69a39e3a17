"""What a container of an engine pod said as it ended is told if the lock said it."""

from __future__ import annotations

import pytest

from tandem_runtime.contract import report
from tandem_runtime.contract.report import LockFailure
from tests.unit.planning.world import World

CHANGED = LockFailure("ContentChanged", "draft", "pvc://models/draft: its files are others now")


def ends(world: World, container: str, words: str) -> None:
    """A container of every engine pod ended with these words, and the kubelet waits a while."""
    init = container == "tandem-fetch"
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}
    status = {
        "name": container,
        "ready": False,
        "state": {"waiting": waiting},
        "lastState": {"terminated": {"exitCode": 1, "message": words}},
    }
    for pod in world.engine_pods():
        pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
        pod["status"]["initContainerStatuses" if init else "containerStatuses"] = [status]
    deployment = world.only("Deployment")
    deployment["status"] |= {"readyReplicas": 0, "availableReplicas": 0}


@pytest.mark.parametrize("container", ["tandem-fetch", "main"])
def test_files_that_changed_after_the_lock_are_told_with_their_side(container: str) -> None:
    world = World().serve()
    ends(world, container, report.render(CHANGED))
    world.settle()

    assert world.condition("Stalled") == ("True", "ContentChanged")
    assert "draft: pvc://models/draft: its files are others now" in world.message("Stalled")
    assert world.condition("Ready") == ("False", "WorkloadFailed")

    world.roll_out()
    world.settle()

    assert world.condition("Stalled") is None
    assert world.condition("Ready") == ("True", "Serving")


def test_a_container_that_starts_again_is_still_told_by_its_last_words() -> None:
    world = World().serve()
    ends(world, "main", report.render(CHANGED))
    for pod in world.engine_pods():
        pod["status"]["containerStatuses"][0]["state"] = {"running": {}}
    world.settle()

    assert world.condition("Stalled") == ("True", "ContentChanged")


def test_a_fetch_that_failed_before_it_succeeded_is_no_hindrance() -> None:
    world = World().serve()
    ends(world, "tandem-fetch", report.render(CHANGED))
    for pod in world.engine_pods():
        done = pod["status"]["initContainerStatuses"][0]
        done |= {"ready": True, "state": {"terminated": {"exitCode": 0}}}
    world.settle()

    assert world.condition("Stalled") is None


def test_a_fetch_that_will_be_tried_again_is_told_in_its_words_and_does_not_stall() -> None:
    world = World().serve()
    words = report.render(LockFailure("LockFailed", "target", "the hub cannot be reached"))
    ends(world, "tandem-fetch", words)
    world.settle()

    assert world.condition("Stalled") is None
    message = world.message("Reconciling")
    assert "CrashLoopBackOff: target: the hub cannot be reached" in message
    assert "{" not in message


@pytest.mark.parametrize("words", ["", "CUDA out of memory", '{"version": 1}', "[]", "null"])
def test_other_words_of_an_engine_are_no_word_of_the_lock(words: str) -> None:
    world = World().serve()
    ends(world, "main", words)
    world.settle()

    assert world.condition("Stalled") is None
    assert "CrashLoopBackOff" in world.message("Reconciling")
