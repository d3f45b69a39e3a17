"""In the place of TensorRT-LLM's collector: a few of its series, by the same calls."""

from prometheus_client import Counter, Gauge


class MetricsCollector:
    def __init__(self, labels):
        self.labels = labels
        names = list(labels)
        self.running = Gauge("trtllm_num_requests_running", "-", names)
        self.waiting = Gauge("trtllm_num_requests_waiting", "-", names)
        self.generated = Counter("trtllm_generation_tokens_total", "-", names)
        self.drafted = Counter("trtllm_spec_decode_num_draft_tokens_total", "-", names)

    def log_iteration_stats(self, statistics):
        self.running.labels(**self.labels).set(statistics["numActiveRequests"])
        self.waiting.labels(**self.labels).set(statistics["numQueuedRequests"])
        self.drafted.labels(**self.labels).inc(statistics["specDecodingStats"]["numDraftTokens"])

    def log_request_metrics_dict(self, statistics):
        if statistics.get("finished_reason"):
            self.generated.labels(**self.labels).inc(statistics["generation_tokens"])
