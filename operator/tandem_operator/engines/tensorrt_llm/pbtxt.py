"""`config.pbtxt` of the LLM API's model in Triton: its inputs and outputs, as the image's model has
them. Batching and streaming are said in the model's own file."""

INPUTS = {
    "streaming": ("TYPE_BOOL", 1),
    "sampling_param_best_of": ("TYPE_INT32", 1),
    "sampling_param_temperature": ("TYPE_FP32", 1),
    "sampling_param_top_k": ("TYPE_INT32", 1),
    "sampling_param_top_p": ("TYPE_FP32", 1),
    "sampling_param_frequency_penalty": ("TYPE_FP32", 1),
    "sampling_param_presence_penalty": ("TYPE_FP32", 1),
    "sampling_param_max_tokens": ("TYPE_INT32", 1),
    "sampling_param_stop": ("TYPE_STRING", -1),
    "sampling_param_seed": ("TYPE_UINT64", 1),
    "sampling_param_exclude_input_from_output": ("TYPE_BOOL", 1),
    "sampling_param_return_perf_metrics": ("TYPE_BOOL", 1),
    "return_finish_reason": ("TYPE_BOOL", 1),
    "return_stop_reason": ("TYPE_BOOL", 1),
    "return_cumulative_logprob": ("TYPE_BOOL", 1),
    "stop": ("TYPE_BOOL", 1),
}
"""Optional inputs: type and size."""
OUTPUTS = {
    "text_output": ("TYPE_STRING", -1),
    "finish_reason": ("TYPE_STRING", -1),
    "stop_reason": ("TYPE_STRING", -1),
    "cumulative_logprob": ("TYPE_FP32", -1),
    "kv_cache_reused_block": ("TYPE_INT32", -1),
    "kv_cache_missed_block": ("TYPE_INT32", -1),
    "kv_cache_alloc_new_blocks": ("TYPE_INT32", -1),
    "kv_cache_alloc_total_blocks": ("TYPE_INT32", -1),
    "kv_cache_hit_rate": ("TYPE_FP32", -1),
    "arrival_time_ns": ("TYPE_INT64", 1),
    "first_scheduled_time_ns": ("TYPE_INT64", 1),
    "first_token_time_ns": ("TYPE_INT64", 1),
    "last_token_time_ns": ("TYPE_INT64", 1),
    "acceptance_rate": ("TYPE_FP32", 1),
    "total_accepted_draft_tokens": ("TYPE_INT32", 1),
    "total_draft_tokens": ("TYPE_INT32", 1),
}
PROMPT = "text_input"


def text() -> str:
    """The file. The model has the name of its folder."""
    lines = [
        'backend: "python"',
        "instance_group [ { kind: KIND_CPU count: 1 } ]",
        _line("input", PROMPT, "TYPE_STRING", -1, optional=False),
        *(_line("input", name, kind, size, optional=True) for name, (kind, size) in INPUTS.items()),
        *(
            _line("output", name, kind, size, optional=False)
            for name, (kind, size) in OUTPUTS.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _line(field: str, name: str, kind: str, size: int, *, optional: bool) -> str:
    end = " optional: true" if optional else ""
    return f'{field} {{ name: "{name}" data_type: {kind} dims: [ {size} ]{end} }}'
