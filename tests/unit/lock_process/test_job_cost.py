"""What the lock Job adds to a first rollout, but for the network: seconds of one core."""

from __future__ import annotations

import json
from pathlib import Path

from hack.hub.server import LocalHub
from tandem_runtime.contract import environment, request
from tandem_runtime.contract.request import LockRequest, SourceRequest
from tests.unit.lock_process import measured
from tests.unit.lock_process.large_model import files, large

MOST_S = 5.0
MOST_BYTES = 2 << 30
"""The memory limit of the Job's container."""


def test_a_pair_of_256_000_ids_from_a_hub_is_locked_within_five_seconds(tmp_path: Path) -> None:
    """From the start of the process, the hub's client and both downloads in it."""
    model, log = files(large()), tmp_path / "log"
    with LocalHub() as hub:
        for name in ("acme/chat", "acme/small"):
            hub.commit(name, model)
        asked = LockRequest(
            "DraftModel",
            "SameVocabulary",
            SourceRequest("hf://acme/chat", "main"),
            SourceRequest("hf://acme/small", "main"),
        )
        took = measured.run(
            measured.JOB,
            environ={
                environment.LOCK_REQUEST: request.render(asked),
                environment.TERMINATION_LOG: str(log),
                environment.HF_ENDPOINT: hub.endpoint,
            },
        )

    assert took.status == 0, took.err
    assert json.loads(log.read_text())["target"]["vocabSize"] == 256_000
    assert took.cpu_s <= MOST_S
    assert took.peak_bytes <= MOST_BYTES
