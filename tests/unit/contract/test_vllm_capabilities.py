"""What the table answers for whole engines; its facts are held against vLLM's sources elsewhere."""

from dataclasses import dataclass

import pytest

from tandem_runtime.contract import vllm_capabilities as vllm
from tandem_runtime.contract.vllm_capabilities import Setup, capabilities, runner_of

GPU = Setup(version=(0, 32), runner=vllm.V2, method="eagle3")


@dataclass(frozen=True)
class Fixed:
    """An engine on which K cannot change, and a word of the reason."""

    setup: Setup
    reason: str


FIXED = {
    "older than 0.32": Fixed(GPU._replace(version=(0, 31)), "0.31"),
    "a pipeline": Fixed(GPU._replace(pipeline=2), "pipeline"),
    "ranks of a mixture": Fixed(GPU._replace(data=2, mixture_of_experts=True), "mixture"),
    "Mamba layers": Fixed(GPU._replace(state=vllm.MAMBA), "Mamba"),
    "adaptive verification": Fixed(
        GPU._replace(method="dspark", adaptive_verification=True), "adaptive"
    ),
    "parallel drafting in V1": Fixed(
        GPU._replace(runner=vllm.V1, parallel_drafting=True), "parallel drafting"
    ),
    "medusa once it is gone": Fixed(
        Setup(version=(0, 33), runner=vllm.V1, method="medusa"), "no medusa"
    ),
    "a method that nobody knows": Fixed(GPU._replace(method="oracle"), "oracle"),
}


@pytest.mark.parametrize("case", FIXED.values(), ids=FIXED)
def test_k_is_fixed_and_no_schedule_is_given(case: Fixed) -> None:
    can = capabilities(case.setup)
    assert (can.live, can.saves) == (vllm.NONE, vllm.NOTHING)
    assert not (can.start_schedule or can.by_step or can.full_graphs)
    assert case.reason in can.reason


LIVE = {
    "the floor": GPU,
    "a later version": GPU._replace(version=(0, 40)),
    "a version nobody knows": GPU._replace(version=None),
    "dense data parallelism": GPU._replace(data=2),
    "one rank of a mixture": GPU._replace(mixture_of_experts=True),
    "layers with a delta rule": GPU._replace(state=vllm.DELTA),
    "parallel drafting that V2 does itself": GPU._replace(method="dflash", parallel_drafting=True),
    "medusa while it is there": Setup(version=(0, 32), runner=vllm.V1, method="medusa"),
}


@pytest.mark.parametrize("setup", LIVE.values(), ids=LIVE)
def test_k_is_live(setup: Setup) -> None:
    assert capabilities(setup).live in (vllm.NATIVE, vllm.CUT)


def test_data_parallel_engines_get_no_schedule_for_they_drop_it() -> None:
    assert capabilities(GPU).start_schedule
    assert not capabilities(GPU._replace(data=2)).start_schedule


def test_a_schedule_costs_v1_its_full_graphs_and_v2_none() -> None:
    assert capabilities(GPU).full_graphs
    assert not capabilities(GPU._replace(runner=vllm.V1)).full_graphs


@pytest.mark.parametrize("setup", [GPU._replace(method="draft_model"), GPU._replace(method="mtp")])
def test_a_drafter_that_the_plugin_keeps_to_k_saves_its_work(setup: Setup) -> None:
    modules = setup._replace(modules=3)
    assert capabilities(modules)[:5] == (
        vllm.CUT,
        "the drafter runs all its passes",
        True,
        vllm.VERIFICATION,
        vllm.ALL_FORWARDS,
    )
    kept = capabilities(modules._replace(drafter_follows=True))
    assert (kept.live, kept.saves, kept.idle) == (
        vllm.NATIVE,
        vllm.EVERYTHING,
        vllm.ONE_FORWARD,
    )


def test_the_plugin_follows_only_where_its_way_was_read() -> None:
    assert vllm.plugin_follows((0, 32), vllm.V2, "draft_model")
    assert not vllm.plugin_follows((0, 34), vllm.V2, "draft_model")
    assert not vllm.plugin_follows((0, 32), vllm.V1, "draft_model")
    assert not vllm.plugin_follows((0, 32), vllm.V2, "eagle")


@pytest.mark.parametrize(
    ("runner", "found"),
    [
        (vllm.V2, runner_of((0, 32), "eagle")),
        (vllm.V2, runner_of(None, "ngram")),
        (vllm.V1, runner_of((0, 28), "eagle")),
        (vllm.V1, runner_of((0, 32), "eagle", accelerated=False)),
        (vllm.V1, runner_of((0, 32), "eagle", asked=vllm.V1)),
        (vllm.V2, runner_of((0, 28), "eagle", asked=vllm.V2)),
        (vllm.V1, runner_of((0, 32), "suffix")),
        (vllm.V1, runner_of((0, 32), "eagle", parallel_drafting=True)),
        (vllm.V2, runner_of((0, 32), "dflash", parallel_drafting=True)),
        (vllm.V1, runner_of((0, 32), "draft_model", heterogeneous_vocabulary=True)),
    ],
)
def test_the_runner_is_the_one_that_vllm_takes(runner: str, found: str) -> None:
    assert found == runner


def test_a_reason_fits_the_label_that_tells_it() -> None:
    assert all(len(capabilities(case.setup).reason) <= 120 for case in FIXED.values())
