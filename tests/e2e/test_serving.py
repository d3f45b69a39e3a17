"""The main job on real parts: lock, serve, change K live, survive the operator's absence."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import replace

import pytest

from hack.demo.environment import setup
from hack.demo.environment.setup import SYSTEM_NAMESPACE
from hack.demo.phases import prompts
from hack.images import recipes
from tandem_operator.planning.status.speculation import MIN_INTERVAL_S
from tests.e2e.serving import NAME, Serving, load

pytestmark = [pytest.mark.node, pytest.mark.engine, pytest.mark.timeout(900)]

IDLE_S = float(os.environ.get("TANDEM_IDLE_SECONDS", "30"))
"""How long nothing may be written; 600 for the figure in the release notes."""
ABSENT_S = float(os.environ.get("TANDEM_ABSENT_SECONDS", "25"))
CHANGES = int(os.environ.get("TANDEM_CHANGES", "20"))
NAPPY_S = 3.0


def test_the_pair_is_locked_and_serves(serving: Serving) -> None:
    resource = serving.resource()
    status = resource["status"]

    assert status["observedGeneration"] == resource["metadata"]["generation"]
    assert status["pair"]["reason"] == "Equal"
    assert status["pair"]["tokenizerDigest"].startswith("tokfp/v1:sha256:")
    assert status["readyReplicas"] == 2
    assert serving.condition("Stalled") is None
    assert serving.complete("def main():")


def test_every_change_of_k_is_in_force_in_both_engines_within_three_seconds(
    serving: Serving,
) -> None:
    delays = [_change_to(serving, (3, 7)[change % 2]) for change in range(CHANGES)]
    ninety_five = statistics.quantiles(delays, n=20)[-1]

    print(f"{CHANGES} changes: median {statistics.median(delays):.2f} s, p95 {ninety_five:.2f} s")
    assert ninety_five <= NAPPY_S


def test_text_is_the_same_at_every_k(serving: Serving) -> None:
    texts = set()
    for tokens in (0, 3, 7):
        _change_to(serving, tokens)
        texts.add(tuple(serving.complete(prompt, 48) for prompt in prompts("code")[:6]))

    assert len(texts) == 1


def test_load_moves_k_without_a_new_table(serving: Serving) -> None:
    serving.patch(
        {"speculation": {"initialTokens": 3}, "tuning": {"thresholds": {"maxConcurrency": 4}}}
    )
    serving.wait("the limit is in the table", lambda: serving.table().get("maxConcurrency") == 4)
    generation = serving.table()["generation"]
    serving.wait("both engines apply it", lambda: _applied(serving, generation))

    with load(serving, 16):
        serving.wait("K falls to 0 above the limit", lambda: _tokens(serving) == {0.0}, 90)
    with load(serving, 2):
        serving.wait("K comes back below it", lambda: 3.0 in _tokens(serving), 90)

    assert serving.table()["generation"] == generation


def test_a_wrong_pair_is_refused_with_its_ids_and_gets_no_pod(serving: Serving) -> None:
    serving.apply("wrong", draft={"uri": "pvc://models/permuted-draft"})

    serving.wait("it is Stalled", lambda: serving.condition("Stalled", "wrong") is not None)

    stalled = serving.condition("Stalled", "wrong")
    assert stalled is not None
    assert stalled["reason"] == "PairRejected"
    assert "id" in stalled["message"]
    assert serving.condition("Reconciling", "wrong") is None
    assert serving.kubectl.engine_pods("wrong") == []
    assert serving.kubectl.get("deployments", "-l", "tandem.dev/deployment=wrong")["items"] == []
    serving.kubectl.run("delete", "specdep", "wrong")


def test_a_wrong_new_draft_leaves_the_old_pair_serving_and_tuned(serving: Serving) -> None:
    before = serving.restarts()
    serving.patch({"draft": {"uri": "pvc://models/permuted-draft"}})
    serving.wait("it is Stalled", lambda: serving.condition("Stalled") is not None)

    serving.patch({"speculation": {"initialTokens": 7}})
    serving.wait("the old pair is still tuned", lambda: _table_says(serving, 7))

    ready = serving.condition("Ready")
    assert ready is not None
    assert ready["status"] == "True"
    assert serving.resource()["status"]["candidate"]["verdict"] == "Incompatible"
    assert serving.restarts() == before
    assert serving.complete("import os")
    serving.patch({"draft": {"uri": "pvc://models/draft"}})
    serving.wait("it is whole again", lambda: serving.condition("Stalled") is None)
    assert serving.restarts() == before


def test_traffic_does_not_notice_that_the_operator_is_gone(serving: Serving) -> None:
    serving.wait_ready(NAME, 60)
    before = serving.restarts()
    children = _children(serving)
    with load(serving, 2) as finished:
        _kubectl_system(serving, "scale", "deployment/tandem", "--replicas=0")
        _kubectl_system(serving, "delete", "pods", "--all", "--grace-period=0", "--force")
        end_s = time.monotonic() + ABSENT_S
        serving.wait("the time without operator", lambda: time.monotonic() > end_s, ABSENT_S + 5)
        count = len(serving.writes())
        _kubectl_system(serving, "scale", "deployment/tandem", "--replicas=2")
        _kubectl_system(serving, "rollout", "status", "deployment/tandem", "--timeout=120s")
        serving.wait("it leads again", lambda: _leads(serving), 60)
        wait_s = time.monotonic() + 10
        serving.wait("it has reconciled", lambda: time.monotonic() > wait_s, 15)

    assert [request for request in finished if request.error] == []
    assert len(finished) > 10
    assert serving.restarts() == before
    assert _children(serving) == children
    # Status may tell what happened meanwhile, and Jobs that are done are cleared away.
    kinds = ("/status chat", f"jobs {NAME}-lock-", "events")
    writes = serving.writes()[count:]
    assert [write for write in writes if not any(part in write for part in kinds)] == []


def test_another_operator_version_changes_no_pod(serving: Serving) -> None:
    before = serving.restarts()
    children = _children(serving)
    other = recipes.operator("another"), recipes.runtime("another")
    for image in other:
        serving.cluster.load(image.archive)
    references = replace(serving.images, operator=other[0].reference, runtime=other[1].reference)

    setup.install_operator(serving.cluster.helm, serving.kubectl, references)
    serving.wait("the new one leads", lambda: _leads(serving), 60)
    wait_s = time.monotonic() + 10
    serving.wait("it has reconciled", lambda: time.monotonic() > wait_s, 15)

    assert serving.restarts() == before
    assert _children(serving) == children


def test_an_idle_cluster_sees_no_writes(serving: Serving) -> None:
    settled_s = MIN_INTERVAL_S + 10
    """What the load before moved is told once more, an interval after it was told last."""
    seen = [len(serving.writes()), time.monotonic()]

    def settled() -> bool:
        if len(serving.writes()) != seen[0]:
            seen[:] = [len(serving.writes()), time.monotonic()]
        return time.monotonic() - seen[1] > settled_s

    serving.wait("the operator has settled", settled, 300)
    count = len(serving.writes())
    end_s = time.monotonic() + IDLE_S
    serving.wait("the idle time passes", lambda: time.monotonic() > end_s, IDLE_S + 5)

    print(f"{IDLE_S:.0f} idle seconds: {len(serving.writes()) - count} writes")
    assert serving.writes()[count:] == []


def test_scaling_moves_pods_and_nothing_else(serving: Serving) -> None:
    generation = serving.table()["generation"]
    template = _children(serving)["deployments/chat"]
    revisions = serving.kubectl.get("controllerrevisions")["items"]

    serving.kubectl.run("scale", "specdep", NAME, "--replicas=1")
    serving.wait("one replica is left", lambda: len(serving.engines()) == 1, 120)
    serving.wait_ready(NAME, 60)

    assert serving.table()["generation"] == generation
    assert _children(serving)["deployments/chat"] == template
    assert [r["metadata"]["name"] for r in serving.kubectl.get("controllerrevisions")["items"]] == [
        r["metadata"]["name"] for r in revisions
    ]


def _change_to(serving: Serving, tokens: int) -> float:
    """Ask for another K; seconds from the spec's change until both engines report it."""
    serving.patch({"speculation": {"initialTokens": tokens}})
    began_s = time.monotonic()
    serving.wait("the table is written", lambda: _table_says(serving, tokens))
    generation = serving.table()["generation"]
    serving.wait("both engines apply it", lambda: _applied(serving, generation))
    return time.monotonic() - began_s


def _table_says(serving: Serving, tokens: int) -> bool:
    return bool(serving.table()["schedule"][0][2] == tokens)


def _applied(serving: Serving, generation: int) -> bool:
    return all(
        engine.gauge("tandem:applied_generation") == generation for engine in serving.engines()
    )


def _tokens(serving: Serving) -> set[float | None]:
    return {engine.gauge("tandem:current_tokens") for engine in serving.engines()}


def _children(serving: Serving) -> dict[str, object]:
    """Pod template, Service and table, as they were last written."""
    deployment = serving.kubectl.get("deployment", NAME)
    return {
        "deployments/chat": deployment["spec"]["template"],
        "services/chat": serving.kubectl.get("service", NAME)["spec"],
        "table": serving.table(),
    }


def _kubectl_system(serving: Serving, *words: str) -> None:
    serving.cluster.run(*words, "-n", SYSTEM_NAMESPACE, timeout_s=150)


def _leads(serving: Serving) -> bool:
    """A pod that exists holds the Lease."""
    words = ("get", "lease", "tandem", "-n", SYSTEM_NAMESPACE)
    holder = serving.cluster.run(*words, "-o", "jsonpath={.spec.holderIdentity}")
    pods = serving.cluster.run("get", "pods", "-n", SYSTEM_NAMESPACE, "-o", "name")
    return bool(holder) and f"pod/{holder}" in pods.split()
