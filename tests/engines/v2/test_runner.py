"""Model Runner V2, sync and async, against V1 without speculation: K is what the table says.

On a CPU, with Triton's interpreter for its kernels: what holds here is vLLM's own code of
scheduler, runner, drafters and verification, with the plugin. Compiled kernels and CUDA graphs are
not run.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.engines.v2 import oracles
from tests.engines.v2.conftest import FIRST, METHODS
from tests.engines.v2.engine import BUDGET

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

Reports = dict[str, dict[str, Any]]
SECOND = [(runner, method) for runner in ("v2", "v2-async") for method in METHODS]
ENGINES = [*SECOND, *(("v1", method) for method in FIRST)]
FIXED = ("k0", "k1", "k3", "k5")
FLIPPED = ("flips", "crowd", "bypassed", "allowed")
HAVE_MODEL = ("draft_model", "eagle")
every = pytest.mark.parametrize(("runner", "method"), ENGINES)


def sparse(runner: str, method: str) -> bool:
    """V1's n-gram drafter makes as many drafts as it finds."""
    return (runner, method) == ("v1", "ngram")


@every
def test_the_engine_is_the_one_that_is_meant(reports: Reports, runner: str, method: str) -> None:
    report = reports[runner][method]

    second = report["runner"] == "vllm.v1.worker.cpu.model_runner"
    assert second == (runner != "v1")
    # vLLM itself turns asynchronous scheduling off for the n-gram method that runs on the CPU.
    asynchronous = runner == "v2-async" and method != "ngram"
    assert ("AsyncScheduler" in report["scheduler"]) == asynchronous
    assert report["support"][:3] == ["lookup", "", True]
    assert report["errors"] == 0


@pytest.mark.parametrize("method", FIRST)
def test_v1_keeps_to_the_table_over_hundreds_of_steps(reports: Reports, method: str) -> None:
    """Where a step costs little, more of them."""
    played = reports["v1"][method]["phases"]["long"]

    assert oracles.other_texts(played, reports["v1"]["none"]["phases"]["long"]) == []
    assert oracles.off_the_table(played, BUDGET, sparse("v1", method)) == []
    assert oracles.contradictions(played, sparse("v1", method)) == []


@every
@pytest.mark.parametrize("phase", [*FIXED, *FLIPPED])
def test_the_text_is_the_targets_own(
    reports: Reports, runner: str, method: str, phase: str
) -> None:
    played = reports[runner][method]["phases"][phase]

    assert oracles.other_texts(played, reports["v1"]["none"]["phases"][phase]) == []


@every
@pytest.mark.parametrize("phase", [*FIXED, *FLIPPED])
def test_what_is_verified_is_what_the_table_says(
    reports: Reports, runner: str, method: str, phase: str
) -> None:
    played = reports[runner][method]["phases"][phase]

    assert oracles.off_the_table(played, BUDGET, sparse(runner, method)) == []
    assert oracles.never_made(played) == [] or runner == "v1"


@every
@pytest.mark.parametrize("phase", [*FIXED, *FLIPPED])
def test_cells_and_current_tokens_are_what_was_verified(
    reports: Reports, runner: str, method: str, phase: str
) -> None:
    played = reports[runner][method]["phases"][phase]

    assert oracles.contradictions(played, sparse(runner, method)) == []


@pytest.mark.parametrize(("runner", "method"), [e for e in ENGINES if e[1] in HAVE_MODEL])
@pytest.mark.parametrize("phase", [*FIXED, *FLIPPED])
def test_the_drafter_runs_one_pass_a_draft_and_one_at_least(
    reports: Reports, runner: str, method: str, phase: str
) -> None:
    played = reports[runner][method]["phases"][phase]

    assert oracles.other_passes(played, lambda k: max(k, 1)) == []


@pytest.mark.parametrize("method", HAVE_MODEL)
@pytest.mark.parametrize("phase", [*FIXED, "flips"])
def test_as_many_drafts_are_verified_and_accepted_as_in_v1(
    reports: Reports, method: str, phase: str
) -> None:
    second, first = (reports[runner][method]["phases"][phase] for runner in ("v2", "v1"))

    assert oracles.totals(second) == oracles.totals(first)
    assert oracles.totals(second)[1] > 0 or phase == "k0"


def test_the_scenario_has_what_it_is_for(reports: Reports) -> None:
    """Flips by the thousand, preempted requests, prompts in chunks, steps of mixed depths."""
    steps = flips = 0
    for runner, method in ENGINES:
        phases = reports[runner][method]["phases"]
        # Without a draft's own cache a crowd may just fit.
        assert method not in HAVE_MODEL or oracles.preempted(phases["crowd"]) > 0
        assert any(0 in step["sampled"].values() for step in phases["crowd"]["steps"])
        assert reports[runner][method]["mixed_depth_steps"] > 0
        flipped = [phase for name, phase in phases.items() if name not in FIXED]
        here = sum(len(phase["steps"]) for phase in flipped)
        changes = sum(map(oracles.flips, flipped))
        print(f"{runner} {method}: {here} steps with a table that flips, {changes} flips")
        steps, flips = steps + here, flips + changes
    print(f"in all {steps} steps, {flips} flips")
    assert steps >= 2000


def test_constrained_requests_are_drafted_for_only_where_the_table_allows(reports: Reports) -> None:
    for runner, method in ENGINES:
        phases = reports[runner][method]["phases"]
        drafted = {
            phase: sum(
                step["verified"].get(name, 0)
                for step in phases[phase]["steps"]
                for name in step["constrained"]
            )
            for phase in ("bypassed", "allowed")
        }
        assert drafted["bypassed"] == 0
        # Synchronous scheduling asks the grammar first, which may take all drafts of a request.
        assert drafted["allowed"] > 0 or runner != "v2-async"
