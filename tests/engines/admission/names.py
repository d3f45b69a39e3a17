"""Inside the engine's environment: names that vLLM chooses among, as a JSON object of lists."""

from __future__ import annotations

import json
import os
from typing import get_args

os.environ |= {"VLLM_TARGET_DEVICE": "cpu", "VLLM_LOGGING_LEVEL": "CRITICAL"}


def main() -> None:
    from vllm.config import model
    from vllm.config.cache import CacheDType
    from vllm.config.kernel import MoEBackend
    from vllm.reasoning import ReasoningParserManager
    from vllm.tool_parsers import ToolParserManager
    from vllm.v1.attention.backends.registry import AttentionBackendEnum

    names = {
        "attention": [each.name for each in AttentionBackendEnum],
        "cache": get_args(CacheDType),
        "moe": get_args(MoEBackend),
        "reasoning": ReasoningParserManager.list_registered(),
        "tools": ToolParserManager.list_registered(),
        "float16": [*model._FLOAT16_NOT_SUPPORTED_MODELS],
    }
    print("\n" + json.dumps(names))


if __name__ == "__main__":
    main()
