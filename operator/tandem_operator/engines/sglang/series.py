"""The metric series of SGLang (0.5.23) that the operator reads.

Tokens and verifications are counted when a request ends, times to the first token as they come.
Its inter-token histogram is observed once a token, so it has no count of steps; acceptance is a
gauge over the last batches (`sglang:spec_accept_length`, accepted and bonus tokens a step) and by
position nowhere. So the operator reads traffic here, and learns neither step times nor a rate.
"""

from tandem_operator.engines.metrics.reader import Series, SeriesReader, spelled

PREFIXES = ("sglang:", "sglang_")


def _series(name: str) -> Series:
    return Series(spelled(PREFIXES, name))


READER = SeriesReader(
    prefixes=PREFIXES,
    running=_series("num_running_reqs"),
    waiting=_series("num_queue_reqs"),
    counters={
        "generated_tokens": _series("generation_tokens_total"),
        "prefill_tokens": _series("prompt_tokens_total"),
        "first_tokens": _series("time_to_first_token_seconds_count"),
        "first_token_seconds": _series("time_to_first_token_seconds_sum"),
    },
)
