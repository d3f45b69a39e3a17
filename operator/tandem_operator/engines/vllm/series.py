"""The metric series of vLLM that the operator reads."""

from tandem_operator.engines.series import Series

SERIES = Series(
    prefixes=("vllm:", "vllm_"),
    running="num_requests_running",
    waiting="num_requests_waiting",
    drafts="spec_decode_num_drafts_total",
    draft_tokens="spec_decode_num_draft_tokens_total",
    accepted_tokens="spec_decode_num_accepted_tokens_total",
    accepted_by_position="spec_decode_num_accepted_tokens_per_pos_total",
    generated_tokens="generation_tokens_total",
    prefill_tokens="prompt_tokens_total",
    iteration_tokens="iteration_tokens_total",
    first_token_seconds="time_to_first_token_seconds",
    inter_token_seconds="inter_token_latency_seconds",
    output_token_seconds="request_time_per_output_token_seconds",
    end_to_end_seconds="e2e_request_latency_seconds",
    cache_usage="kv_cache_usage_perc",
)
