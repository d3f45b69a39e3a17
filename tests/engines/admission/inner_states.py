"""Inside the engine's environment: which of vLLM's classes give a drafter states of inner layers.

Reads the path of a JSON list of architectures, and prints a JSON list: true, false, or null for a
class that does not load here.
"""

from __future__ import annotations

import json
import os
import sys

os.environ |= {"VLLM_TARGET_DEVICE": "cpu", "VLLM_LOGGING_LEVEL": "CRITICAL"}


def main() -> None:
    from vllm.model_executor.models.interfaces import supports_eagle3
    from vllm.model_executor.models.registry import ModelRegistry

    def answer(architecture: str) -> bool | None:
        try:
            return bool(supports_eagle3(ModelRegistry.models[architecture].load_model_cls()))
        except ImportError:
            return None

    with open(sys.argv[1]) as file:
        print("\n" + json.dumps([answer(each) for each in json.load(file)]))


if __name__ == "__main__":
    main()
