"""A metrics page as large as vLLM's with the plugin, made here: its counters move as time passes.

It is no recording. Names and labels are those that the operator reads, among histograms that it
does not; depth 3 at 4 requests, 8 steps a second.
"""

from __future__ import annotations

from collections.abc import Iterator

from tandem_runtime.contract import metrics

BUCKETS = 20
HISTOGRAMS = 60
AT = 'engine="0",model_name="chat"'
STEPS_A_SECOND = 8.0
BATCH = 4
DEPTH = 3
ACCEPTED = (0.8, 0.64, 0.51)
LOCK = "a" * 16


def rendered(seconds: float) -> str:
    """The page after so many seconds of the same load."""
    return "\n".join((*_stock(seconds), *_plugin(seconds), *_histograms(seconds))) + "\n"


def _stock(seconds: float) -> Iterator[str]:
    steps = STEPS_A_SECOND * seconds
    yield f"vllm:num_requests_running{{{AT}}} {BATCH}"
    yield f"vllm:num_requests_waiting{{{AT}}} 0"
    yield f"vllm:generation_tokens_total{{{AT}}} {steps * BATCH * (1 + sum(ACCEPTED))}"
    yield f"vllm:prompt_tokens_total{{{AT}}} {steps * 10}"
    yield f"vllm:iteration_tokens_total_count{{{AT}}} {steps}"
    yield f"vllm:inter_token_latency_seconds_count{{{AT}}} {steps * BATCH}"
    yield f"vllm:inter_token_latency_seconds_sum{{{AT}}} {seconds * BATCH}"
    yield f"vllm:time_to_first_token_seconds_count{{{AT}}} {steps / 16}"
    yield f"vllm:time_to_first_token_seconds_sum{{{AT}}} {steps / 64}"
    yield f"vllm:spec_decode_num_drafts_total{{{AT}}} {steps * BATCH}"
    yield f"vllm:spec_decode_num_draft_tokens_total{{{AT}}} {steps * BATCH * DEPTH}"
    for place, share in enumerate(ACCEPTED):
        name = "vllm:spec_decode_num_accepted_tokens_per_pos_total"
        yield f'{name}{{{AT},position="{place}"}} {steps * BATCH * share}'


def _plugin(seconds: float) -> Iterator[str]:
    steps = STEPS_A_SECOND * seconds
    yield f'{metrics.INFO}{{epoch="",lock="{LOCK}",mode="lookup",reason="",version="1"}} 1'
    yield f"{metrics.APPLIED_GENERATION} 1"
    yield f'{metrics.EFFECTIVE_TOKENS}{{from="1",to="256"}} {DEPTH}'
    yield f"{metrics.REQUEST_STEPS} {steps * BATCH}"
    yield f"{metrics.REQUEST_STEP_SECONDS} {seconds * BATCH}"
    yield f"{metrics.ITERATIONS} {steps}"
    yield f"{metrics.DRAFTS} {steps * BATCH}"
    yield f"{metrics.DRAFT_TOKENS} {steps * BATCH * DEPTH}"
    yield f"{metrics.CONTEXT_TOKENS} {BATCH * 512}"
    for place, share in enumerate(ACCEPTED):
        yield f'{metrics.DRAFTED_BY_POSITION}{{position="{place}"}} {steps * BATCH}'
        yield f'{metrics.ACCEPTED_BY_POSITION}{{position="{place}"}} {steps * BATCH * share}'
    sums = {"steps": steps, "seconds": seconds, "batch": steps * BATCH, "context": steps * 2048}
    for part, name in metrics.CELL_SERIES.items():
        for batch, share in ((2, 0.2), (4, 0.6), (6, 0.2)):
            at = f'batch="{batch}",prefill="0",tokens="{DEPTH}"'
            yield f"{name}{{{at}}} {share * sums.get(part, steps * 4)}"


def _histograms(seconds: float) -> Iterator[str]:
    for number in range(HISTOGRAMS):
        yield f"# TYPE vllm:histogram_{number}_seconds histogram"
        for bucket in range(BUCKETS):
            yield f'vllm:histogram_{number}_seconds_bucket{{{AT},le="{bucket / 10}"}} {seconds}'
        yield f"vllm:histogram_{number}_seconds_count{{{AT}}} {seconds}"
        yield f"vllm:histogram_{number}_seconds_sum{{{AT}}} {seconds}"
