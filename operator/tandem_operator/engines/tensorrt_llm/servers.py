"""What the two servers differ in: words, ports, probes and where the page is."""

from typing import Any

from tandem_operator.engines.interface.launch import Endpoint, Launch
from tandem_operator.engines.pod import container
from tandem_operator.engines.tensorrt_llm.series import READER
from tandem_runtime.contract import paths

PAGE = Endpoint(path="/prometheus/metrics")
TRITON_PAGE, TRITON_METRICS_PORT, GRPC_PORT = Endpoint("tandem-metrics"), 8002, 8001
READY, LIVE = "/v2/health/ready", "/v2/health/live"


def serve_words(launch: Launch) -> list[str]:
    """The command line of `trtllm-serve` but for the user's options and the configuration."""
    parallelism = launch.spec.parallelism
    words = [
        "serve",
        paths.TARGET,
        f"--served_model_name={launch.values.served_name}",
        "--host=0.0.0.0",
        f"--port={container.PORT}",
    ]
    if parallelism.tensor > 1:
        words.append(f"--tensor_parallel_size={parallelism.tensor}")
    if parallelism.pipeline > 1:
        words.append(f"--pipeline_parallel_size={parallelism.pipeline}")
    if launch.spec.tokenizer_lock.allow_remote_code:
        words.append("--trust_remote_code")
    return words


def alone(launch: Launch) -> dict[str, Any]:
    """The part of `main` that serves, with `trtllm-serve`."""
    return container.served(launch, READER.queue, page=(container.PORT, PAGE.path))


def in_triton(launch: Launch) -> dict[str, Any]:
    """The part of `main` that serves, with Triton."""
    page = (TRITON_METRICS_PORT, TRITON_PAGE.path)
    served = container.served(launch, READER.queue, health=LIVE, ready=READY, page=page)
    ports = {"grpc": GRPC_PORT, TRITON_PAGE.port: TRITON_METRICS_PORT}
    more = [{"name": n, "containerPort": port, "protocol": "TCP"} for n, port in ports.items()]
    return {**served, "ports": [*served["ports"], *more]}
