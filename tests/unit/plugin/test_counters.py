"""What is counted of finished steps, and the page that several engines make together."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from tandem_runtime.contract import metrics
from tandem_runtime.plugin.metrics.collector import Collector
from tandem_runtime.plugin.metrics.counters import Step, StepCounters
from tandem_runtime.plugin.metrics.report import read_all, write


def step(drafted: dict[str, int], sampled: dict[str, int], **changes: Any) -> Step:
    """A step in which these requests verify so many drafts and get so many tokens."""
    content: dict[str, Any] = {
        "seconds": 0.01, "batch": len(sampled), "depth": 3, "drafting": 3, "prefill_tokens": 0,
        "verified_tokens": len(sampled) + sum(drafted.values()), "context_tokens": 100,
        "bypassed": 0, "steady": True,
        "drafts": {name: [-1] * count for name, count in drafted.items()}, "invalid": {},
        "rows": {name: row for row, name in enumerate(sampled)},
        "sampled": list(sampled.values()),
    }  # fmt: skip
    return Step(**{**content, **changes})


def test_positions_have_their_true_denominators() -> None:
    counters = StepCounters()
    counters.add(step({"a": 3, "b": 1}, {"a": 3, "b": 1}), {})
    counters.add(step({"a": 3}, {"a": 4}), {})

    sums = counters.snapshot()
    assert sums["drafted_by_position"] == [3, 2, 2]
    assert sums["accepted_by_position"] == [2, 2, 1]
    assert (sums["drafts"], sums["draft_tokens"], sums["accepted_tokens"]) == (3, 7, 5)
    assert sums["rejected_drafts"] == 2


def test_padding_was_never_drafted_and_unsampled_requests_do_not_count() -> None:
    counters = StepCounters()
    counters.add(step({"a": 3, "b": 3}, {"a": 1, "b": 0}, invalid={"a": 2}), {})
    counters.add(step({"gone": 3, "a": 2}, {"a": 1}), {})

    sums = counters.snapshot()
    assert (sums["drafts"], sums["draft_tokens"]) == (2, 3)


def test_a_draft_that_is_all_padding_is_no_draft() -> None:
    counters = StepCounters()
    counters.add(step({"a": 3}, {"a": 1}, invalid={"a": 3}), {})

    assert counters.snapshot()["drafts"] == 0


def test_only_requests_with_drafts_are_counted_whoever_else_got_tokens() -> None:
    counters = StepCounters()
    counters.add(step({"a": 3}, {"a": 2, "ends its prompt": 1}, batch=1), {})

    sums = counters.snapshot()
    assert (sums["drafts"], sums["accepted_tokens"], sums["rejected_drafts"]) == (1, 1, 1)


def test_before_the_first_step_everything_is_zero() -> None:
    assert not any(StepCounters().snapshot().values())


def test_a_draft_that_was_found_short_of_k_is_as_long_as_it_was() -> None:
    counters = StepCounters()
    counters.add(step({"a": 2, "b": 2}, {"a": 3, "b": 1}, depth=3, mixed=False), {})

    sums = counters.snapshot()
    assert sums["drafted_by_position"] == [2, 2]
    assert (sums["accepted_tokens"], sums["current_tokens"]) == (2, 3)


def test_segments_are_counted_by_their_requests() -> None:
    counters = StepCounters()
    counters.add(step({"a": 3, "b": 2}, {"a": 2, "b": 3}), {"a": "creative", "c": "creative"})

    assert counters.snapshot()["segments"] == {"creative": [3, 1, 1]}


@given(
    st.lists(
        st.tuples(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 5)), st.booleans()),
        max_size=20,
    )
)
def test_counts_are_the_same_whether_or_not_the_engine_says_that_depths_differ(
    steps: list[tuple[dict[str, int], bool]],
) -> None:
    reported, counted = StepCounters(), StepCounters()
    for drafts, alike in steps:
        drafted = dict.fromkeys(drafts, 3) if alike else drafts
        sampled = {name: 1 + length // 2 for name, length in drafted.items()} | {"plain": 1}
        batch = len(drafted) + (not alike)
        mixed = len(set(drafted.values())) > 1 or batch > len(drafted) > 0
        reported.add(step(drafted, sampled, batch=batch, mixed=mixed), {})
        counted.add(step(drafted, sampled, batch=batch), {})

    assert reported.snapshot() == counted.snapshot()


def test_a_step_has_mixed_depths_when_its_decoding_requests_verify_unlike_numbers() -> None:
    def mixed(drafted: dict[str, int], batch: int, **changes: Any) -> int:
        counters = StepCounters()
        counters.add(step(drafted, dict.fromkeys("abc", 1), batch=batch, **changes), {})
        count: int = counters.snapshot()["mixed_depth_steps"]
        return count

    assert mixed({"a": 3, "b": 3}, 2) == 0
    assert mixed({}, 3) == 0
    assert mixed({"a": 3, "b": 2}, 2) == 1
    assert mixed({"a": 3, "b": 3}, 3) == 1
    assert mixed({"a": 3, "b": 2}, 2, prefill_tokens=200) == 0


def test_a_cell_holds_only_steps_that_verified_and_drafted_the_same_k() -> None:
    counters = StepCounters()
    counters.add(step({"a": 3}, {"a": 1}), {})
    counters.add(step({"a": 3}, {"a": 1}, drafting=5), {})
    counters.add(step({"a": 3}, {"a": 1}, steady=False), {})
    counters.add(step({"a": 3}, {"a": 1}, prefill_tokens=127), {})
    counters.add(step({"a": 3}, {"a": 1}, steady=False, prefill_tokens=128), {})

    assert [cell[:4] for cell in counters.snapshot()["cells"]] == [[1, 3, 0, 1.0], [1, 3, 1, 1.0]]
    assert counters.snapshot()["iterations"] == 5


def test_a_cell_sums_time_batch_context_prefill_and_verified_tokens() -> None:
    counters = StepCounters()
    requests = dict.fromkeys("abcde", 1)
    for seconds in (0.5, 1.5):
        counters.add(step(dict.fromkeys("abcde", 3), requests, seconds=seconds), {})

    assert counters.snapshot()["cells"] == [[4, 3, 0, 2.0, 2.0, 2.5, 10.0, 200.0, 0.0, 40.0]]
    assert counters.snapshot()["request_steps"] == 10
    assert counters.snapshot()["request_step_seconds"] == 10.0


@given(st.lists(st.dictionaries(
    st.sampled_from("abcd"), st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=4
), max_size=20))  # fmt: skip
def test_sums_agree_with_one_another(steps: list[dict[str, tuple[int, int]]]) -> None:
    counters = StepCounters()
    for one in steps:
        drafted = {name: pair[0] for name, pair in one.items() if pair[0]}
        sampled = {name: 1 + min(pair) for name, pair in one.items()}
        counters.add(step(drafted, sampled), {})

    sums = counters.snapshot()
    assert sums["draft_tokens"] == sum(sums["drafted_by_position"])
    assert sums["accepted_tokens"] == sum(sums["accepted_by_position"])
    assert sums["accepted_tokens"] == sum(min(pair) for one in steps for pair in one.values())
    assert all(
        accepted <= drafted
        for accepted, drafted in zip(
            sums["accepted_by_position"], sums["drafted_by_position"], strict=True
        )
    )


def report(counters: StepCounters, **changes: Any) -> dict[str, Any]:
    return {
        **counters.snapshot(), "mode": "lookup", "reason": "", "errors": 0, "bypassed": {},
        "prefill_guesses": {}, "plugin": "0", "at_s": 90.0, "lock": "ab", "epoch": "e",
        "generation": 7, "effective": [[1, 8, 3]], "refused": {"stale": 1}, "clamped": 0,
        **changes,
    }  # fmt: skip


def page(folder: Path, disabled: str = "") -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Collector(folder, disabled, "0", clock=lambda: 100.0))
    return registry


def test_the_page_carries_every_name_of_the_contract(tmp_path: Path) -> None:
    counters = StepCounters()
    counters.add(step({"a": 3}, {"a": 2}), {"a": "creative"})
    write(tmp_path, 0, report(counters, bypassed={"constrained": 2}, prefill_guesses={"hit": 1}))

    shown = {sample.name for family in page(tmp_path).collect() for sample in family.samples}

    names = {
        value
        for name, value in vars(metrics).items()
        if isinstance(value, str) and value.startswith(metrics.PREFIX) and name != "PREFIX"
    }
    assert names | set(metrics.CELL_SERIES.values()) == {
        name for name in shown if not name.endswith("_created")
    }


def test_several_engines_are_one_page_and_the_slowest_speaks_for_the_table(tmp_path: Path) -> None:
    counters = StepCounters()
    counters.add(step({"a": 3, "b": 3}, {"a": 2, "b": 4}), {"a": "creative"})
    write(tmp_path, 0, report(counters))
    write(tmp_path, 1, report(counters, generation=6, at_s=80.0, effective=[[1, 8, 1]]))

    value = page(tmp_path).get_sample_value
    assert value("tandem:applied_generation") == 6
    assert value("tandem:effective_tokens", {"from": "1", "to": "8"}) == 1
    assert value("tandem:heartbeat_seconds") == 20.0
    assert value("tandem:drafts_total") == 4
    assert value("tandem:table_refused_total", {"cause": "stale"}) == 2
    assert value("tandem:drafted_by_position_total", {"position": "2"}) == 4
    assert value("tandem:cell_steps_total", {"batch": "2", "tokens": "3", "prefill": "0"}) == 2
    assert value("tandem:segment_drafted_total", {"segment": "creative"}) == 6
    assert value("tandem:segment_drafted_total", {"segment": "other"}) == 6
    assert value("tandem:segment_rejected_drafts_total", {"segment": "creative"}) == 2


def test_the_slowest_is_the_one_with_the_oldest_table_whoever_spoke_last(tmp_path: Path) -> None:
    write(tmp_path, 0, report(StepCounters(), generation=6, at_s=99.0, effective=[[1, 8, 1]]))
    write(tmp_path, 1, report(StepCounters(), generation=7, at_s=80.0, effective=[[1, 8, 5]]))

    value = page(tmp_path).get_sample_value
    assert value("tandem:applied_generation") == 6
    assert value("tandem:effective_tokens", {"from": "1", "to": "8"}) == 1
    assert value("tandem:heartbeat_seconds") == 20.0


def test_a_disabled_plugin_says_why_and_nothing_else(tmp_path: Path) -> None:
    samples = [s for family in page(tmp_path, "ImportError: x").collect() for s in family.samples]

    (info,) = samples
    assert (info.name, info.value) == ("tandem:info", 1)
    assert (info.labels["mode"], info.labels["reason"]) == ("disabled", "ImportError: x")


def test_what_is_no_report_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "engine-0.json").write_text('{"vers')
    (tmp_path / "engine-1.json").write_text('{"version": 9}')

    assert read_all(tmp_path) == []
    assert list(page(tmp_path).collect()) == []
