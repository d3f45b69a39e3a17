"""In the place of the image's model for the LLM API, without an engine.

It has what Tandem's model relies on: where it reads its configuration, the names of the engine, its
event loop and the making of a response. It answers with the configuration that it was given.
"""

import asyncio
import json
import os
import threading
from types import SimpleNamespace

import helpers
import numpy as np
import triton_python_backend_utils as pb_utils


class Engine:
    """Tells of one step in four that drafts, as often as it is asked."""

    async def get_stats_async(self, wait_s):
        yield {
            "numActiveRequests": 2,
            "numQueuedRequests": 1,
            "specDecodingStats": {"numDraftTokens": 8, "numAcceptedTokens": 5},
        }


class TritonPythonModel:
    @classmethod
    def auto_complete_config(cls, config):
        asked = helpers.read(pb_utils.get_model_dir())["triton_config"]
        config.set_model_transaction_policy({"decoupled": asked["decoupled"]})
        config.set_max_batch_size(asked["max_batch_size"])
        return config

    def initialize(self, args):
        if os.environ.get("STAND_IN_FAILS"):
            raise RuntimeError("no GPU was found")
        self.config = helpers.read(pb_utils.get_model_dir())
        self._event_loop = asyncio.new_event_loop()
        threading.Thread(target=self._event_loop.run_forever, daemon=True).start()
        self._llm_engine = Engine()

    def execute(self, requests):
        for request in requests:
            output = SimpleNamespace(
                finished=True,
                metrics_dict={"finished_reason": "stop", "generation_tokens": 7},
                text=json.dumps(self.config, sort_keys=True),
            )
            response = self._create_response(request_output=output, output_config={})
            request.get_response_sender().send(
                response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
            )

    def _create_response(self, request_output, output_config):
        text = np.asarray([request_output.text.encode()], dtype=np.object_)
        return pb_utils.InferenceResponse([pb_utils.Tensor("text_output", text)])

    def finalize(self):
        self._event_loop.call_soon_threadsafe(self._event_loop.stop)
