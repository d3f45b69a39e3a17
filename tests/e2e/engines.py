"""Engines for the tests of rollouts, which run on each of them."""

from __future__ import annotations

import os
from typing import Any

RUN = os.environ.get("TANDEM_ROLLOUT_ENGINES", "Torch").split(",")
"""vLLM starts four times in such a test, for minutes: `make rollout-tests-long` runs it."""
ENGINES: dict[str, dict[str, Any]] = {
    "Torch": {
        "engine": {
            "type": "Torch",
            "args": ["--max-model-len=512", "--max-num-seqs=32", "--kv-cache-mib=128"],
        }
    },
    "vLLM": {},
}
"""What differs from the manifest of the other tests."""
