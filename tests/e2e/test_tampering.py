"""Files that change under a lock never serve: a real kubelet restarts `main`, and it stays down."""

from __future__ import annotations

import shutil

import pytest

from tests.e2e.serving import NAME, Serving

VICTIM = "tampered"

pytestmark = [pytest.mark.node, pytest.mark.engine, pytest.mark.timeout(900)]


def test_a_draft_that_changes_on_its_claim_is_not_served_by_a_restarted_main(
    serving: Serving,
) -> None:
    draft = serving.models / "draft-of-its-own"
    shutil.copytree(serving.models / "draft", draft)
    serving.kubectl.run("scale", "specdep", NAME, "--replicas=0")
    serving.apply(VICTIM, draft={"uri": f"pvc://models/{draft.name}"}, replicas=1)
    serving.wait_ready(VICTIM, timeout_s=600)
    (pod,) = serving.kubectl.engine_pods(VICTIM)

    # Same names, same sizes, a permuted vocabulary: the engine itself would start without a word.
    shutil.copytree(serving.models / "permuted-draft", draft, dirs_exist_ok=True)
    end = ("--", "sh", "-c", "kill 1")
    serving.kubectl.run("exec", pod["metadata"]["name"], "-c", "main", *end)

    def is_reported() -> bool:
        stalled = serving.condition("Stalled", VICTIM)
        return stalled is not None and stalled["reason"] == "ContentChanged"

    serving.wait("the operator says that the content changed", is_reported, 120)
    stalled = serving.condition("Stalled", VICTIM)
    assert stalled is not None
    assert "draft" in stalled["message"]
    assert "target" not in stalled["message"].split(":")[0]
    (now,) = serving.kubectl.engine_pods(VICTIM)
    assert now["metadata"]["uid"] == pod["metadata"]["uid"], "main alone was restarted"
    (main,) = [s for s in now["status"]["containerStatuses"] if s["name"] == "main"]
    assert main["restartCount"] >= 1
    assert not main["ready"]
    serving.kubectl.run("delete", "specdep", VICTIM)
