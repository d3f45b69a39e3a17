"""Pages become readings, readings become windows."""

from __future__ import annotations

import pytest

from tandem_operator.api.spec import EngineType
from tandem_operator.control.decision_log import mixed_depth_percent
from tandem_operator.engines.metrics.page import Page, Samples
from tandem_operator.engines.metrics.sample import EngineSample, SeriesMissingError
from tandem_operator.engines.registry import driven, driver
from tandem_operator.engines.vllm import DRIVER
from tandem_operator.metrics.page import MalformedPageError, parse
from tandem_operator.metrics.windows import segments_between, window_between
from tandem_runtime.contract import metrics
from tests.unit.metrics.builders import plugin_lines, stock_page

PREFIXES = ("vllm:", "vllm_", "tandem:")


def sample(text: str, at_s: float = 0.0) -> EngineSample:
    return DRIVER.metrics.read(parse(text, PREFIXES), at_s)


class Asked(dict[str, Samples]):
    """Notes the names that are looked for; only the gauges of the queue are there."""

    def __init__(self, queue: tuple[str, ...]) -> None:
        super().__init__({name: (({}, 1.0),) for name in queue})
        self.names: set[str] = set()

    def get(self, name: str, default: Samples = ()) -> Samples:  # type: ignore[override]
        self.names.add(name)
        return super().get(name, default)


@pytest.mark.parametrize("engine", driven())
def test_a_reader_looks_for_no_series_but_those_that_it_names(engine: EngineType) -> None:
    """What it does not name is not taken from a page."""
    reader = driver(engine).metrics
    asked = Asked(reader.queue)
    reader.read(Page(asked), 0.0)
    reader.counts_drafts(Page(asked))

    of_engine = {name for name in asked.names if not name.startswith(metrics.PREFIX)}
    assert set(reader.queue) <= of_engine <= set(reader.names)


def test_what_a_reader_names_is_all_that_is_needed_of_a_page() -> None:
    text = stock_page() + plugin_lines()
    narrow = parse(text, (*DRIVER.metrics.names, metrics.PREFIX))

    assert DRIVER.metrics.read(narrow, 0.0) == sample(text)
    assert "vllm:iteration_tokens_total_sum" not in narrow.samples


def test_stock_counters_become_a_window() -> None:
    before = sample(stock_page(), 10.0)
    after = sample(
        stock_page(
            steps=180,
            seconds=2.6,
            iterations=90,
            generated=520,
            first=6,
            drafts=165,
            draft_tokens=495,
            accepted=(140, 100, 66),
            running=3,
        ),
        20.0,
    )

    window = window_between(before, after, replica="chat-1", speculation_loaded=True)

    assert (window.request_steps, window.iterations) == (80, 40)
    assert window.request_step_seconds == pytest.approx(1.6)
    assert (window.generated_tokens, window.first_tokens) == (220, 2)
    assert window.accepted_by_position == (60, 40, 26)
    assert window.drafted_by_position is None
    assert window.cells is None
    assert (window.running, window.duration_s, window.now_s) == (3, 10.0, 20.0)
    assert not window.reset


def test_the_plugins_own_counters_win_over_the_engines() -> None:
    taken = sample(stock_page(accepted=(1, 1, 1)) + plugin_lines())

    assert taken.totals["request_steps"] == 101
    assert taken.totals["generated_tokens"] == 300
    assert taken.accepted_by_position == (80, 60, 40)
    assert taken.drafted_by_position == (90, 90, 90)
    assert taken.context_tokens == 512
    assert taken.plugin is not None
    assert taken.plugin.applied_generation == 3
    assert [taken.plugin.tokens_for(b) for b in (0, 1, 8, 9, 500)] == [5, 5, 5, 0, 0]


def test_the_share_of_steps_of_mixed_depths_is_of_the_window() -> None:
    before = sample(stock_page() + plugin_lines() + "tandem:mixed_depth_steps_total 10\n", 0.0)
    page = plugin_lines().replace("tandem:iterations_total 51", "tandem:iterations_total 91")
    after = sample(stock_page() + page + "tandem:mixed_depth_steps_total 30\n", 10.0)

    window = window_between(before, after, replica="chat-1", speculation_loaded=True)

    assert (window.iterations, window.mixed_depth_steps) == (40, 20)
    assert mixed_depth_percent(window) == 50.0


def test_a_plugin_that_does_not_count_mixed_depths_is_told_as_such() -> None:
    before, after = (sample(stock_page() + plugin_lines(), at_s) for at_s in (0.0, 10.0))

    window = window_between(before, after, replica="chat-1", speculation_loaded=True)

    assert window.mixed_depth_steps is None
    assert mixed_depth_percent(window) is None


def test_cells_and_segments_are_differences_too() -> None:
    before = sample(stock_page() + plugin_lines())
    after = sample(
        stock_page() + plugin_lines(cell_steps=100, segment_accepted=90, segment_rejected=30), 2.0
    )

    window = window_between(before, after, replica="chat-1", speculation_loaded=True)

    assert window.cells is not None
    (cell,) = window.cells
    assert (cell.batch_from, cell.batch_to, cell.tokens) == (2, 2, 3)
    assert (cell.steps, cell.batch_sum, cell.verified_sum) == (60, 120, 480)
    assert not cell.with_prefill
    assert segments_between(before, after) == {"chat": (60, 20)}


def test_a_restarted_engine_is_a_reset_and_counts_nothing() -> None:
    before = sample(stock_page(steps=1000, generated=9000))
    after = sample(stock_page(steps=10, generated=30), 2.0)

    window = window_between(before, after, replica="chat-1", speculation_loaded=True)

    assert window.reset
    assert window.request_steps == window.generated_tokens == window.drafts == 0
    assert set(window.accepted_by_position) == {0}


def test_the_page_of_an_engine_without_a_draft_counts_none() -> None:
    page = "".join(
        line for line in stock_page().splitlines(keepends=True) if "spec_decode" not in line
    )

    assert not DRIVER.metrics.counts_drafts(parse(page, PREFIXES))
    assert DRIVER.metrics.counts_drafts(parse(stock_page(drafts=0), PREFIXES))
    assert (sample(page).totals["drafts"], sample(page).accepted_by_position) == (0, ())


def test_renamed_series_are_read_as_well() -> None:
    taken = sample(stock_page(prefix="vllm_", generated=77))

    assert taken.totals["generated_tokens"] == 77


@pytest.mark.parametrize("body", ["<html>oops</html>", '{"detail": "no"}', "vllm:x{ 1"])
def test_what_is_no_page_says_so(body: str) -> None:
    with pytest.raises(MalformedPageError, match="not a metrics page"):
        parse(body, PREFIXES)


def test_a_page_of_another_program_names_the_series_that_it_lacks() -> None:
    with pytest.raises(SeriesMissingError, match="vllm:num_requests_running"):
        sample("go_goroutines 8\n")
