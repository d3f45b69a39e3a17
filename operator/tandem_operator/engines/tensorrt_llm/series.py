"""TensorRT-LLM's metrics page, as its collector writes it.

`trtllm-serve` shows it where `return_perf_metrics` is set; what comes from steps (running, waiting)
needs `enable_iter_perf_stats` too. Tokens and drafts by position are counted when a request ends.
There is no sum of step times, so nothing is learned of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tandem_operator.engines.metrics.page import Page
from tandem_operator.engines.metrics.reader import Series, SeriesReader
from tandem_operator.engines.metrics.sample import EngineSample

_DRAFTED = Series(("trtllm_spec_decode_drafted_tokens_total",), position="token_position")
_SERIES = SeriesReader(
    ("trtllm_",),
    running=Series(("trtllm_num_requests_running",)),
    waiting=Series(("trtllm_num_requests_waiting",)),
    counters={
        "generated_tokens": Series(("trtllm_generation_tokens_total",)),
        "prefill_tokens": Series(("trtllm_prompt_tokens_total",)),
        "first_tokens": Series(("trtllm_time_to_first_token_seconds_count",)),
        "first_token_seconds": Series(("trtllm_time_to_first_token_seconds_sum",)),
        "draft_tokens": Series(("trtllm_spec_decode_drafted_tokens_total",)),
    },
    accepted_by_position=Series(
        ("trtllm_spec_decode_accepted_tokens_total",), position="token_position"
    ),
    drafted_by_position=_DRAFTED,
)


@dataclass(frozen=True)
class TensorRtLlmReader:
    """Drafts have no counter of their own: each has a first token."""

    series: SeriesReader = _SERIES

    @property
    def prefixes(self) -> tuple[str, ...]:
        """As the series'."""
        return self.series.prefixes

    @property
    def names(self) -> tuple[str, ...]:
        """Those of its series."""
        return self.series.names

    @property
    def queue(self) -> tuple[str, ...]:
        """As the series'."""
        return self.series.queue

    def counts_drafts(self, page: Page) -> bool:
        """Whether a request that was drafted for has ended."""
        return _DRAFTED.total(page) is not None

    def read(self, page: Page, at_s: float) -> EngineSample:
        """The counters of a page. Raises SeriesMissingError."""
        sample = self.series.read(page, at_s)
        by_position = sample.drafted_by_position or ()
        drafts = by_position[0] if by_position else 0.0
        totals: Mapping[str, float] = {**sample.totals, "drafts": drafts}
        return replace(sample, totals=totals)


READER = TensorRtLlmReader()
