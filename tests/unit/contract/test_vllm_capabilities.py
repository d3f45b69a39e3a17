"""What the table answers for whole engines; its facts are held against vLLM's sources elsewhere."""

from dataclasses import dataclass

import pytest

from tandem_runtime.contract.engines import vllm_capabilities as vllm
from tandem_runtime.contract.engines.vllm_capabilities import Setup, capabilities, runner_of

GPU = Setup(version=(0, 32), runner=vllm.V2, method="eagle3")


@dataclass(frozen=True)
class Fixed:
    """An engine on which K cannot change, and a word of the reason."""

    setup: Setup
    reason: str


VERSIONS = ((0, 32), (0, 33), (0, 50), None)

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
        Setup(version=(0, 33), runner=vllm.V1, method="medusa"), "no method medusa"
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


ALL_DRAFTS = (vllm.CUT, "the drafter runs all its passes", True, vllm.VERIFICATION)


def test_a_drafter_that_the_plugin_keeps_to_k_saves_its_work() -> None:
    draft = GPU._replace(method="draft_model")
    kept = capabilities(draft._replace(drafter_follows=True))

    assert capabilities(draft)[:5] == (*ALL_DRAFTS, vllm.ALL_FORWARDS)
    assert (kept.live, kept.saves, kept.idle) == (
        vllm.NATIVE,
        vllm.EVERYTHING,
        vllm.ONE_FORWARD,
    )


def test_no_drafter_is_kept_to_k_under_data_parallelism() -> None:
    ranks = GPU._replace(method="draft_model", data=2, drafter_follows=True)

    assert capabilities(ranks).live == vllm.CUT


@pytest.mark.parametrize("follows", [False, True])
def test_several_mtp_modules_all_draft_for_each_has_a_cache_of_its_own(follows: bool) -> None:
    mtp = GPU._replace(method="mtp", drafter_follows=follows)

    assert capabilities(mtp).live == vllm.NATIVE
    assert capabilities(mtp._replace(modules=3))[:5] == (*ALL_DRAFTS, vllm.ALL_FORWARDS)


def test_a_later_version_does_otherwise_from_then_on() -> None:
    ngram = Setup(version=(0, 32), runner=vllm.V2, method="ngram")
    block = Setup(version=(0, 32), runner=vllm.V2, method="dspark")

    assert [capabilities(ngram._replace(version=each)).asynchronous for each in VERSIONS] == [
        False,
        True,
        True,
        True,
    ]
    assert [capabilities(block._replace(version=each)).idle for each in VERSIONS] == [
        vllm.ONE_FORWARD,
        vllm.CONTEXT,
        vllm.CONTEXT,
        vllm.CONTEXT,
    ]


def test_a_method_that_is_gone_is_there_while_nobody_knows_the_version() -> None:
    medusa = Setup(version=None, runner=vllm.V1, method="medusa")

    assert capabilities(medusa).live == vllm.CUT
    assert capabilities(medusa._replace(version=(0, 34))).live == vllm.NONE


def test_the_plugin_follows_only_where_its_way_was_read() -> None:
    assert vllm.plugin_follows((0, 32), vllm.V2, "draft_model")
    assert not vllm.plugin_follows((0, 34), vllm.V2, "draft_model")
    assert not vllm.plugin_follows((0, 32), vllm.V1, "draft_model")
    assert not vllm.plugin_follows((0, 32), vllm.V2, "eagle")


@pytest.mark.parametrize(
    ("runner", "expected"),
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
def test_the_runner_is_the_one_that_vllm_takes(runner: str, expected: str) -> None:
    assert expected == runner


@pytest.mark.parametrize(
    ("runner", "pipeline", "ahead"),
    [(vllm.V1, 1, True), (vllm.V1, 2, False), (vllm.V2, 1, True), (vllm.V2, 2, True)],
)
def test_only_v1_stops_scheduling_ahead_in_a_pipeline(
    runner: str, pipeline: int, ahead: bool
) -> None:
    setup = GPU._replace(runner=runner, pipeline=pipeline)
    assert capabilities(setup).asynchronous is ahead


def test_an_engine_is_one_rank_and_one_stage_unless_it_says_more() -> None:
    setup = Setup(version=(0, 32), runner=vllm.V2, method="eagle3")
    assert (setup.data, setup.pipeline, setup.modules) == (1, 1, 1)
    assert not setup.mixture_of_experts and not setup.parallel_drafting


def test_a_reason_fits_the_label_that_tells_it() -> None:
    assert all(len(capabilities(case.setup).reason) <= 120 for case in FIXED.values())
