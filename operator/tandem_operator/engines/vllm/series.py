"""The metric series of vLLM that the operator reads."""

from tandem_operator.engines.metrics.reader import Series, SeriesReader, spelled

PREFIXES = ("vllm:", "vllm_")


def _series(name: str) -> Series:
    return Series(spelled(PREFIXES, name))


READER = SeriesReader(
    prefixes=PREFIXES,
    running=_series("num_requests_running"),
    waiting=_series("num_requests_waiting"),
    counters={
        "request_steps": _series("inter_token_latency_seconds_count"),
        "request_step_seconds": _series("inter_token_latency_seconds_sum"),
        "iterations": _series("iteration_tokens_total_count"),
        "generated_tokens": _series("generation_tokens_total"),
        "first_tokens": _series("time_to_first_token_seconds_count"),
        "first_token_seconds": _series("time_to_first_token_seconds_sum"),
        "prefill_tokens": _series("prompt_tokens_total"),
        "drafts": _series("spec_decode_num_drafts_total"),
        "draft_tokens": _series("spec_decode_num_draft_tokens_total"),
    },
    accepted_by_position=_series("spec_decode_num_accepted_tokens_per_pos_total"),
)
