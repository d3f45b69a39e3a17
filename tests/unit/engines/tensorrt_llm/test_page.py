"""TensorRT-LLM's metrics page becomes windows.

No page of a running engine can be had here. This one is written after `metrics/collector.py` of
its main branch in 2026: names, labels, and what is counted when (drafts by position when a request
ends, the gauges at each step).
"""

from __future__ import annotations

import pytest

from tandem_operator.engines.metrics.sample import SeriesMissingError
from tandem_operator.engines.tensorrt_llm.series import READER
from tandem_operator.metrics.page import parse
from tandem_operator.metrics.windows import window_between
from tandem_operator.tuning.window_validation import problem_of

LABELS = 'model_name="chat",engine_type="trtllm"'


def page(ended: int, *, drafting: bool = True) -> str:
    """After so many requests of 21 tokens, 10 steps and 2 drafts a step each."""
    lines = [
        f"trtllm_num_requests_running{{{LABELS}}} 3",
        f"trtllm_num_requests_waiting{{{LABELS}}} 1",
        f"trtllm_generation_tokens_total{{{LABELS}}} {21 * ended}",
        f"trtllm_prompt_tokens_total{{{LABELS}}} {100 * ended}",
        f"trtllm_time_to_first_token_seconds_count{{{LABELS}}} {ended}",
        f"trtllm_time_to_first_token_seconds_sum{{{LABELS}}} {0.2 * ended}",
        f"trtllm_iteration_latency_seconds{{{LABELS}}} 0.02",
        f"trtllm_spec_decode_num_draft_tokens_total{{{LABELS}}} {20 * ended}",
        f"trtllm_spec_decode_acceptance_length{{{LABELS}}} 2.0",
        'trtllm_request_success_total{finished_reason="stop",' + LABELS + f"}} {ended}",
    ]
    for position, accepted in ((0, 7), (1, 3)) if drafting else ():
        at = f'{LABELS},token_position="{position}"'
        lines.append(f"trtllm_spec_decode_drafted_tokens_total{{{at}}} {10 * ended}")
        lines.append(f"trtllm_spec_decode_accepted_tokens_total{{{at}}} {accepted * ended}")
    return "\n".join(lines) + "\n"


def test_a_window_has_drafts_by_position_and_the_load() -> None:
    before, after = (
        READER.read(parse(page(ended), READER.prefixes), at_s)
        for ended, at_s in ((10, 0.0), (30, 10.0))
    )
    window = window_between(before, after, replica="chat-1", speculation_loaded=True)

    assert (window.running, window.waiting) == (3, 1)
    assert (window.generated_tokens, window.first_tokens, window.prefill_tokens) == (420, 20, 2000)
    assert (window.drafts, window.draft_tokens) == (200, 400)
    assert window.drafted_by_position == (200, 200)
    assert window.accepted_by_position == (140, 60)
    assert window.first_token_seconds == pytest.approx(4.0)
    assert window.cells is None
    assert problem_of(window) is None


def test_an_engine_that_drafts_nothing_counts_none() -> None:
    parsed = parse(page(10, drafting=False), READER.prefixes)

    assert not READER.counts_drafts(parsed)
    assert READER.counts_drafts(parse(page(1), READER.prefixes))
    assert READER.read(parsed, 0.0).totals["drafts"] == 0


def test_a_page_without_the_steps_statistics_is_not_taken_for_an_idle_engine() -> None:
    without = "\n".join(
        line for line in page(10).splitlines() if not line.startswith("trtllm_num_requests")
    )
    with pytest.raises(SeriesMissingError, match="trtllm_num_requests_running"):
        READER.read(parse(without + "\n", READER.prefixes), 0.0)
