"""The engine's page in vLLM's names, so that dashboards and the operator read one as the other."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from tandem_runtime.engine.engine import Engine, StepOutput

_SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0,
    10.0, 20.0, 40.0, 80.0, 160.0,
)  # fmt: skip
_TOKENS = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
_LABELS = ("model_name", "engine")


class Metrics:
    """Called in the event loop alone."""

    def __init__(self, engine: Engine, model: str, registry: CollectorRegistry) -> None:
        at = {"labelnames": _LABELS, "registry": registry}
        labels = (model, "0")

        def counter(name: str, text: str) -> Counter:
            return Counter(f"vllm:{name}", text, **at).labels(*labels)

        def seconds(name: str, text: str) -> Histogram:
            return Histogram(f"vllm:{name}", text, buckets=_SECONDS, **at).labels(*labels)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"vllm:{name}", text, **at).labels(*labels)

        scheduler = engine.scheduler
        gauge("num_requests_running", "Requests in the running steps.").set_function(
            lambda: len(scheduler.running)
        )
        gauge("num_requests_waiting", "Requests that wait to be admitted.").set_function(
            lambda: len(scheduler.waiting)
        )
        gauge("kv_cache_usage_perc", "Share of the cache's blocks in use, 0 to 1.").set_function(
            lambda: engine.pool.used / engine.pool.total
        )
        self._preemptions = counter("num_preemptions", "Requests put back for want of blocks.")
        self._preempted = 0
        self._scheduler = scheduler
        self.prompt_tokens = counter("prompt_tokens", "Prefilled tokens.")
        self.generation_tokens = counter("generation_tokens", "Generated tokens.")
        self._drafts = counter("spec_decode_num_drafts", "Drafts verified.")
        self._drafted = counter("spec_decode_num_draft_tokens", "Tokens drafted.")
        self._accepted = counter("spec_decode_num_accepted_tokens", "Drafted tokens accepted.")
        self._by_position = Counter(
            "vllm:spec_decode_num_accepted_tokens_per_pos",
            "Drafted tokens accepted, by position.",
            labelnames=(*_LABELS, "position"),
            registry=registry,
        )
        self._positions = labels
        self._iteration = Histogram(
            "vllm:iteration_tokens_total", "Tokens of one step.", buckets=_TOKENS, **at
        ).labels(*labels)
        self.first_token = seconds("time_to_first_token_seconds", "Arrival to the first token.")
        self.inter_token = seconds("inter_token_latency_seconds", "Between outputs of a request.")
        self.per_output_token = seconds(
            "request_time_per_output_token_seconds", "Mean of a finished request."
        )
        self.end_to_end = seconds("e2e_request_latency_seconds", "Arrival to the last token.")
        self._success = Counter(
            "vllm:request_success", "Finished requests.",
            labelnames=(*_LABELS, "finished_reason"), registry=registry,
        )  # fmt: skip

    def stepped(self, step: StepOutput) -> None:
        """Count one step."""
        generated = sum(len(output.tokens) for output in step.outputs)
        self.generation_tokens.inc(generated)
        self.prompt_tokens.inc(step.prefill_tokens)
        self._iteration.observe(generated + step.prefill_tokens)
        preempted, self._preempted = self._preempted, self._scheduler.preemptions
        self._preemptions.inc(self._preempted - preempted)
        self._drafts.inc(len(step.drafted))
        self._drafted.inc(sum(step.drafted))
        self._accepted.inc(sum(step.accepted))
        for position in range(max(step.accepted, default=0)):
            self._by_position.labels(*self._positions, str(position)).inc(
                sum(accepted > position for accepted in step.accepted)
            )

    def finished(self, reason: str) -> None:
        """Count one request that ended by itself."""
        self._success.labels(*self._positions, reason).inc()
