"""What Triton's Python backend loads: the torch engine behind Triton's inference protocol.

Triton calls `initialize` once, `execute` with requests that it does not wait for, and `finalize`
when the last answer is given. An event loop in a thread of its own answers; the engine steps in
another.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

# Only Triton's Python backend has this module; its classes are there once `initialize` is called.
import triton_python_backend_utils as triton

from tandem_runtime.contract import environment, paths, pod_lock
from tandem_runtime.engine.server import serving
from tandem_runtime.engine.server.openai.errors import ApiError
from tandem_runtime.engine.server.options import parse
from tandem_runtime.engine.settings import SettingsError
from tandem_runtime.engine.transformer.model_config import UnsupportedModelError
from tandem_runtime.triton import control
from tandem_runtime.triton.backend import tensors
from tandem_runtime.triton.backend.answers import Answering
from tandem_runtime.triton.backend.controlled_table import ControlledTable
from tandem_runtime.triton.backend.metrics_mirror import MetricsMirror
from tandem_runtime.triton.repository import ARGUMENTS
from tandem_runtime.triton.supervision import Places

_FAILED = 70
"""Exit status of a process whose engine has failed; `serve` sees it end, and the pod restarts."""
_TELL_S = 1.0
_log = logging.getLogger("tandem.triton")


class TritonPythonModel:
    """The one instance of the model."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the models and begin to serve. Raises TritonModelException with the reason."""
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        configured = json.loads(args["model_config"])["parameters"][ARGUMENTS]["string_value"]
        options = parse(json.loads(configured))
        folder = Path(os.environ.get(environment.METRICS_DIR) or paths.METRICS)
        places = Places(folder)
        lock = pod_lock.hash_of(os.environ.get(environment.LOCK))
        try:
            table = ControlledTable(lock, serving.depth_limits(options))
            made = serving.make(options, table)
            key = control.read_key(folder)
        except (UnsupportedModelError, SettingsError, OSError, ValueError) as error:
            places.cannot(str(error))
            raise triton.TritonModelException(f"tandem: {error}") from error
        self._serving = made
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tandem-answers")
        self._thread.start()
        made.watcher.start()
        made.worker.start(self._loop)
        self._mirror = MetricsMirror(made.registry, triton.MetricFamily)
        self._mirror.start()
        self._answering = Answering(made, table, key)
        places.serves()

    def execute(self, requests: list[Any]) -> None:
        """Take requests in; their answers come when they come."""
        for request in requests:
            sender = request.get_response_sender()
            try:
                inputs = {tensor.name(): tensors.value(tensor) for tensor in request.inputs()}
                parameters = json.loads(request.parameters() or "{}")
            except ValueError as error:
                tensors.refuse(sender, ApiError(400, f"the request cannot be read: {error}"))
                continue
            answer = self._answer(sender, inputs, parameters)
            asyncio.run_coroutine_threadsafe(answer, self._loop)

    def finalize(self) -> None:
        """End every thread."""
        self._mirror.stop()
        self._serving.worker.stop()
        self._serving.watcher.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _answer(
        self, sender: Any, inputs: dict[str, Any], parameters: dict[str, Any]
    ) -> None:
        """Every way out sends a final response: a request without one would never end."""
        open_ = True
        try:
            responses = self._answering.responses(inputs, parameters, sender.is_cancelled)
            async for response, last in responses:
                tensors.send(sender, response, last)
                open_ = not last
            if open_:
                tensors.refuse(sender, ApiError(499, "the client has left"))
        except ApiError as error:
            tensors.refuse(sender, error)
        except Exception as error:  # noqa: BLE001 (whatever it is, the client must be told)
            _log.exception("tandem: a request failed")
            if open_:
                tensors.refuse(sender, ApiError(500, f"{type(error).__name__}: {error}"))
        if self._serving.worker.failure:
            self._loop.call_later(_TELL_S, os._exit, _FAILED)
