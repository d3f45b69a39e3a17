"""What GitOps tools see, by the real kstatus, Flux's own CEL and the Lua machine of Argo CD.

Argo CD itself is not built here: its script runs in the same Lua library, with what Argo CD opens
of it and the second that it gives.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster.binaries import MissingProgramError
from hack.gitops import health
from hack.gitops.health import HEALTH, Health
from tandem_operator.api.condition_list import merge
from tandem_operator.api.conditions import (
    ConditionType,
    NewCondition,
    ReadyReason,
    Reason,
    StalledReason,
)
from tandem_operator.api.status.condition import Condition
from tandem_operator.planning import MetricsView
from tests.parts import skip_without
from tests.unit.planning import builders
from tests.unit.planning.world import World

Object = dict[str, Any]
Judge = Callable[..., list[Health]]

IN_PROGRESS = ("InProgress", "InProgress", "Progressing")
DONE = ("Current", "Current", "Healthy")
FAILED = ("Failed", "Failed", "Degraded")
TUNED_MIN = 10
ROUND_S = 2.0

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    try:
        health.ensure()
    except MissingProgramError as missing:
        skip_without(missing)
    folder = tmp_path_factory.mktemp("judge")
    return lambda *objects: health.assess(objects, folder)


def words(verdict: Health) -> tuple[str, str, str]:
    return verdict.kstatus, verdict.flux, verdict.argo


def serving() -> World:
    world = World()
    world.settle()
    world.lock_ends(builders.good())
    world.settle()
    world.roll_out()
    world.settle()
    return world


def test_a_pair_is_in_progress_until_it_serves_and_done_after(judged: Judge) -> None:
    """Every status that is written on the way, and what stands before the first."""
    world = World()
    seen = [copy.deepcopy(world.resource)]

    def settle() -> None:
        while not world.reconcile().writes_nothing:
            seen.append(copy.deepcopy(world.resource))

    settle()
    world.lock_ends(builders.good())
    settle()
    world.roll_out()
    settle()

    lines = [words(each) for each in judged(*seen)]
    served = next(place for place, each in enumerate(lines) if each != IN_PROGRESS)
    assert served > 2
    assert set(lines[served:]) == {DONE}
    assert seen[served]["status"]["readyReplicas"] == 1


@pytest.mark.parametrize("reason", StalledReason)
def test_it_has_failed_with_the_reason_and_the_remedy_whenever_it_is_stalled(
    judged: Judge, reason: StalledReason
) -> None:
    """Whether an earlier pair serves or none does."""
    world = serving()
    objects = []
    for ready in ("True", "False"):
        resource = copy.deepcopy(world.resource)
        judged_cases: list[tuple[ConditionType, Any, Reason]] = [
            (ConditionType.READY, ready, ReadyReason.SERVING),
            (ConditionType.STALLED, "True", reason),
        ]
        merged = merge(
            [],
            [NewCondition(kind, status, why, "do this") for kind, status, why in judged_cases],
            generation=1,
            now=world.now,
        )
        resource["status"]["conditions"] = [written(each) for each in merged]
        objects.append(resource)

    for verdict in judged(*objects):
        assert words(verdict) == FAILED
        assert verdict.message == f"{reason.value}: do this"


def written(condition: Condition) -> Object:
    return condition.model_dump(mode="json", by_alias=True)


def test_a_change_is_in_progress_from_its_first_moment(judged: Judge) -> None:
    """Before the operator has seen it, and while the earlier pair goes on serving."""
    world = serving()
    world.edit({"draft.uri": "hf://org/other"})
    unseen = copy.deepcopy(world.resource)
    world.reconcile()
    seen = copy.deepcopy(world.resource)

    assert [words(each) for each in judged(unseen, seen)] == [IN_PROGRESS, IN_PROGRESS]


def test_it_never_flaps_while_k_is_tuned_for_ten_minutes_and_metrics_come_and_go(
    judged: Judge,
) -> None:
    world = serving()
    seen = []
    for place in range(int(TUNED_MIN * 60 / ROUND_S)):
        tokens = (7, 3, 0, 5)[place // 5 % 4]
        lost = place % 17 == 0
        metrics = (
            MetricsView("False", "Unreachable", "no replica answers")
            if lost
            else MetricsView("True", "Scraped", "1 of 1")
        )
        world.tuning = builders.tuning(
            world.lock_hash,
            metrics=metrics,
            decision=builders.decision(
                schedule=((1, 256, tokens),),
                state="Active" if tokens else "Idle",
                reason="Tuned" if tokens else "NotProfitable",
            ),
        )
        world.pass_time(ROUND_S)
        world.reconcile()
        seen.append(copy.deepcopy(world.resource))
    tables = {each["status"]["speculation"]["generation"] for each in seen}

    assert len(tables) > 50
    assert {words(each) for each in judged(*seen)} == {DONE}


def test_a_pause_is_done_for_flux_and_suspended_for_argo_cd(judged: Judge) -> None:
    world = serving()
    world.edit({"paused": True})
    world.settle()

    assert words(*judged(world.resource)) == ("Current", "Current", "Suspended")


def test_what_is_deleted_is_terminating(judged: Judge) -> None:
    world = serving()
    world.resource["metadata"]["deletionTimestamp"] = builders.stamp(world.now)

    assert judged(world.resource)[0].kstatus == "Terminating"


def cases() -> list[tuple[str, Object]]:
    tests = yaml.safe_load((HEALTH.parent / "health_test.yaml").read_text())["tests"]
    return [(each["inputPath"], each["healthStatus"]) for each in tests]


@pytest.mark.parametrize(("path", "status"), cases())
def test_the_cases_in_argo_cds_own_format_hold(judged: Judge, path: str, status: Object) -> None:
    (verdict,) = judged(yaml.safe_load((HEALTH.parent / path).read_text()))

    assert {"status": verdict.argo, "message": verdict.message} == status


def test_no_case_is_left_out() -> None:
    files = {f"testdata/{file.name}" for file in (HEALTH.parent / "testdata").iterdir()}

    assert {path for path, _ in cases()} == files
    assert Path(HEALTH).exists()
