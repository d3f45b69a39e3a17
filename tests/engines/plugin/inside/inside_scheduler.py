"""The plugin in vLLM's real schedulers, synchronous and asynchronous, with a pretended model.

Collected by the engine's own Python only; see `test_inside.py`.
"""

from __future__ import annotations

from typing import Any

from tandem_runtime.contract.table import ALLOW, Explore, Range, Segment
from tests.engines.plugin.inside.bench import DEEPEST, TIERS, Bench
from tests.engines.plugin.inside.tables import BOTH, table


def depths(bench: Bench) -> list[set[int]]:
    """The drafts verified by each step that had decoding requests."""
    return [set(seen.decoding.values()) for seen in bench.seen if seen.decoding]


@BOTH
def test_the_base_class_is_the_one_that_vllm_would_have_built(asynchronous: bool) -> None:
    bench = Bench(asynchronous)

    names = [cls.__name__ for cls in type(bench.scheduler).__mro__]
    assert ("AsyncScheduler" in names) == asynchronous
    assert bench.scheduler.tandem.support.mode == "lookup"
    assert bench.scheduler.tandem._content()["applies"] is True


@BOTH
def test_without_a_table_the_engine_drafts_as_it_was_started(asynchronous: bool) -> None:
    bench = Bench(asynchronous)
    bench.add("a", tokens=40)
    bench.drain()

    assert depths(bench)[0] == {DEEPEST}
    bench.expect_true_outputs({"a": 40}, {"a": 8})


@BOTH
def test_a_new_table_holds_within_two_steps(asynchronous: bool) -> None:
    bench = Bench(asynchronous)
    bench.plans.put(table(1, 5))
    bench.add("a", tokens=100)
    for _ in range(4):
        bench.step()
    bench.plans.put(table(2, 2))
    known = len(bench.seen)
    bench.drain()

    assert all(max(seen.decoding.values()) <= 2 for seen in bench.seen[known:] if seen.decoding)
    assert depths(bench)[0] == {5}
    bench.expect_true_outputs({"a": 100}, {"a": 8})


@BOTH
def test_switched_off_the_very_next_step_verifies_nothing(asynchronous: bool) -> None:
    bench = Bench(asynchronous)
    bench.plans.put(table(1, 5))
    bench.add("a", tokens=100)
    for _ in range(4):
        bench.step()
    bench.plans.put(table(2, 5, enabled=False))
    known = len(bench.seen)
    bench.drain()

    assert {n for seen in bench.seen[known:] for n in seen.decoding.values()} == {0}
    bench.expect_true_outputs({"a": 100}, {"a": 8})


@BOTH
def test_k_follows_the_load_across_a_border_within_two_steps(asynchronous: bool) -> None:
    bench = Bench(asynchronous)
    bench.plans.put(table(schedule=(Range(1, 4, 5), Range(5, 64, 1))))
    bench.add("first", tokens=300)
    for _ in range(5):
        bench.step()
    for number in range(9):
        bench.add(f"r{number}", tokens=20)
    known = len(bench.seen)
    for _ in range(5):
        bench.step()

    # The step that admits them verifies what was drafted before; from then on the load is ten.
    crowd = [seen for seen in bench.seen[known:] if len(seen.decoding) == 10]
    assert crowd
    assert all(set(seen.decoding.values()) == {1} for seen in crowd)
    bench.drain()
    alone = [seen.decoding["first"] for seen in bench.seen if set(seen.decoding) == {"first"}]
    assert alone[-1] == 5


@BOTH
def test_above_the_highest_concurrency_drafts_already_made_are_cut(asynchronous: bool) -> None:
    bench = Bench(asynchronous)
    bench.plans.put(table(1, 5, max_concurrency=3))
    for number in range(8):
        bench.add(f"r{number}", tokens=60)
    bench.drain()

    assert all(max(seen.decoding.values()) == 0 for seen in bench.seen if len(seen.decoding) > 3)
    bench.expect_true_outputs(
        {f"r{number}": 60 for number in range(8)}, {f"r{number}": 8 for number in range(8)}
    )


@BOTH
def test_marked_requests_draft_nothing_and_the_others_go_on(asynchronous: bool) -> None:
    bench = Bench(asynchronous)
    bench.plans.put(table(1, 5, segments={"creative": Segment(2)}))
    bench.add("plain", tokens=60)
    bench.add("off", tokens=60, tandem_speculation="off")
    bench.add("json", tokens=60, constrained=True)
    bench.add("creative", tokens=60, tandem_segment="creative")
    bench.add("capped", tokens=60, tandem_max_draft_tokens=4)
    bench.drain()

    most = {
        name: max((seen.decoding.get(name, 0) for seen in bench.seen), default=0)
        for name in bench.outputs
    }
    # The engine has no 4: the next tier below is 3.
    assert most == {"plain": 5, "off": 0, "json": 0, "creative": 2, "capped": 3}
    bench.expect_true_outputs(dict.fromkeys(most, 60), dict.fromkeys(most, 8))
    report = bench.live.content("lookup", "")
    assert report["bypassed"] == {"request": 1, "constrained": 1}
    assert report["segments"]["creative"][0] > 0


@BOTH
def test_a_batch_of_bypassed_requests_is_not_drafted_for(asynchronous: bool) -> None:
    bench = Bench(asynchronous)
    bench.plans.put(table(1, 5))
    for name in ("a", "b"):
        bench.add(name, tokens=30, tandem_speculation="off")
    bench.drain()

    assert {seen.drafting for seen in bench.seen if seen.decoding} == {0}


@BOTH
def test_allowing_constrained_output_frees_requests_that_are_already_running(
    asynchronous: bool,
) -> None:
    bench = Bench(asynchronous)
    bench.plans.put(table(1, 5))
    bench.add("json", tokens=90, constrained=True)
    for _ in range(6):
        bench.step()
    bench.plans.put(table(2, 5, constrained_output=ALLOW))
    bench.drain()

    verified = [seen.decoding["json"] for seen in bench.seen if seen.decoding]
    assert verified[0] == 0
    assert max(verified) == 5
    bench.expect_true_outputs({"json": 90}, {"json": 8})


@BOTH
def test_steps_that_prefill_have_their_own_depth(asynchronous: bool) -> None:
    bench = Bench(asynchronous)
    bench.plans.put(table(1, 5, prefill_schedule=(Range(1, 64, 1),)))
    bench.add("first", tokens=200)
    for _ in range(4):
        bench.step()
    bench.add("long", prompt=900, tokens=5)
    bench.drain()

    heavy = [seen for seen in bench.seen if seen.prefill_tokens >= 128 and seen.decoding]
    assert heavy
    assert all(max(seen.decoding.values()) <= 1 for seen in heavy)
    assert bench.live.content("lookup", "")["prefill_guesses"]["hit"] > 0
    bench.expect_true_outputs({"first": 200, "long": 5}, {"first": 8, "long": 900})


@BOTH
def test_exploring_visits_the_neighbours_and_spares_prefill(asynchronous: bool) -> None:
    bench = Bench(asynchronous, accepts=0.0)
    bench.plans.put(table(1, 3, explore=Explore(every=5, steps=2, offsets=(1, -1))))
    bench.add("a", tokens=60)
    bench.drain()

    tried = [next(iter(step)) for step in depths(bench)]
    assert {2, 3, 5} <= set(tried)
    assert set(tried) <= set(TIERS)
    assert tried.count(3) > len(tried) / 2


@BOTH
def test_preempted_requests_come_back_with_the_same_text(asynchronous: bool) -> None:
    bench = Bench(asynchronous, blocks=20)
    bench.plans.put(table(1, 5, segments={"s": Segment(1)}))
    marks: list[dict[str, Any]] = [{}, {"tandem_segment": "s"}, {"tandem_speculation": "off"}]
    for number in range(6):
        bench.add(f"r{number}", prompt=30, tokens=80, **marks[number % 3])
    bench.drain()

    assert bench.resumed >= 2
    assert bench.live.errors == 0
    bench.expect_true_outputs(
        {f"r{number}": 80 for number in range(6)}, {f"r{number}": 30 for number in range(6)}
    )


@BOTH
def test_counts_agree_with_what_the_runner_saw(asynchronous: bool) -> None:
    bench = Bench(asynchronous)
    bench.plans.put(table(schedule=(Range(1, 2, 5), Range(3, 64, 2))))
    for number in range(6):
        bench.add(f"r{number}", tokens=20 + 10 * number)
    bench.drain()

    report = bench.live.content("lookup", "")
    verified = [n for seen in bench.seen for n in seen.decoding.values() if n]
    assert report["draft_tokens"] == sum(verified)
    assert report["drafts"] == len(verified)
    assert report["drafted_by_position"] == [
        sum(n > position for n in verified) for position in range(DEEPEST)
    ]
    assert report["request_steps"] == sum(len(seen.decoding) for seen in bench.seen)
    assert report["request_steps"] + report["accepted_tokens"] >= sum(
        len(tokens) for tokens in bench.outputs.values()
    ) - len(bench.outputs)
    decoding = [seen for seen in bench.seen if not seen.prefill_tokens]
    assert report["mixed_depth_steps"] == sum(len(set(s.decoding.values())) > 1 for s in decoding)
    assert bench.live.errors == 0


@BOTH
def test_three_errors_switch_the_plugin_off_and_serving_goes_on(asynchronous: bool) -> None:
    bench = Bench(asynchronous)
    bench.plans.put(table(1, 1))

    def broken(*_: object) -> None:
        raise AttributeError("vLLM renamed it")

    bench.live.decided = broken
    bench.add("a", tokens=60)
    bench.drain()

    control = bench.scheduler.tandem
    assert (control.on, control.live.errors) == (False, 3)
    assert control.support.mode == "disabled"
    assert "vLLM renamed it" in control.support.reason
    assert control._content()["applies"] is False
    assert bench.seen[-1].drafting == DEEPEST or bench.seen[-2].drafting == DEEPEST
    bench.expect_true_outputs({"a": 60}, {"a": 8})


def test_a_scheduler_without_speculation_is_observed() -> None:
    bench = Bench(False, speculative=False)
    bench.add("a", tokens=30)
    bench.drain()

    support = bench.scheduler.tandem.support
    assert (support.mode, support.reason) == ("observe", "NoSpeculation")
    assert bench.scheduler.tandem._content()["applies"] is False
    report = bench.live.content(support.mode, support.reason)
    assert report["request_steps"] == 29
    assert report["drafts"] == 0


@BOTH
def test_where_k_cannot_be_written_into_a_step_drafts_are_cut_afterwards(
    asynchronous: bool,
) -> None:
    bench = Bench(asynchronous)
    bench.live.support = bench.live.support._replace(mode="trim", by_step=False)
    bench.plans.put(table(1, 2))
    for name in ("a", "b"):
        bench.add(name, tokens=40)
    bench.drain()

    assert set().union(*depths(bench)) == {2}
    assert {seen.drafting for seen in bench.seen if seen.decoding} == {DEEPEST}
    bench.expect_true_outputs({"a": 40, "b": 40}, {"a": 8, "b": 8})
