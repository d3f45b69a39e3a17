"""TensorRT-LLM's own counters on Triton's page.

`trtllm-serve` keeps them with a collector of TensorRT-LLM; Triton's model for the LLM API does not.
The same collector is fed here with the same things, and copied into Triton.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY

from tandem_runtime.contract import environment, paths
from tandem_runtime.triton.backend.metrics_mirror import MetricsMirror
from tandem_runtime.triton.supervision import Places

PREFIX = "trtllm_"
EVERY_S = 0.5
WAIT_S = 2.0
"""Longest wait for the statistics of a step, in seconds."""
_log = logging.getLogger("tandem.tensorrt_llm")


class EnginesOwn:
    """The engine's series of a registry, without those of the process."""

    def __init__(self, registry: Any = REGISTRY) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Any]:
        """The families that TensorRT-LLM made."""
        return (each for each in self._registry.collect() if each.name.startswith(PREFIX))


def with_page(original: Any) -> Any:
    """The image's model for the LLM API (a class), counting."""

    class TritonPythonModel(original):  # type: ignore[misc]
        """As the image's."""

        def initialize(self, args: dict[str, str]) -> None:
            """Start the engine, then count."""
            word = Places(Path(os.environ.get(environment.METRICS_DIR) or paths.METRICS))
            try:
                super().initialize(args)
            except BaseException as error:
                word.cannot(f"{type(error).__name__}: {error}"[:500])
                raise
            word.serves()
            if getattr(self, "_llm_engine", None) is None:
                return  # another rank than the first has no engine of its own
            self._tandem = _collector(args["model_name"])
            self._tandem_mirror = MetricsMirror(EnginesOwn(), _families())
            self._tandem_mirror.start()
            asyncio.run_coroutine_threadsafe(
                _steps(self._llm_engine, self._tandem.log_iteration_stats), self._event_loop
            )

        def _create_response(self, request_output: Any, output_config: Any) -> Any:
            if getattr(request_output, "finished", False):
                self._tandem.log_request_metrics_dict(
                    getattr(request_output, "metrics_dict", None) or {}
                )
            return super()._create_response(request_output, output_config)

        def finalize(self) -> None:
            """Stop the copies, then the engine."""
            mirror = getattr(self, "_tandem_mirror", None)
            if mirror is not None:
                mirror.stop()
            super().finalize()

    return TritonPythonModel


async def _steps(engine: Any, count: Callable[[dict[str, Any]], None]) -> None:
    """Count each step's statistics until the loop ends."""
    while True:
        try:
            async for statistics in engine.get_stats_async(WAIT_S):
                count(json.loads(statistics) if isinstance(statistics, str) else statistics)
        except Exception:  # noqa: BLE001 (serving goes on, and the page says what it knows)
            _log.exception("tandem: the steps' statistics cannot be read")
        await asyncio.sleep(EVERY_S)


def _collector(model: str) -> Any:
    from tensorrt_llm.metrics.collector import MetricsCollector

    return MetricsCollector({"model_name": model, "engine_type": "trtllm"})


def _families() -> Any:
    import triton_python_backend_utils as pb_utils

    return pb_utils.MetricFamily
