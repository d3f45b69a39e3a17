"""A vLLM plugin: asynchronous scheduling on a CPU, as GPUs have it.

vLLM's CPU platform switches it off after the rest of the configuration is made. The scheduler and
Model Runner V2 need no GPU for it.
"""

import os
from functools import wraps
from typing import Any

ASYNCHRONOUS = "TANDEM_TEST_ASYNC"
"""`1`: what the configuration said of asynchronous scheduling stays."""


def register() -> None:
    from vllm.platforms.cpu import CpuPlatform

    check = CpuPlatform.check_and_update_config.__func__
    if hasattr(check, "__wrapped__"):
        return

    @wraps(check)
    def keeping(cls: type, vllm_config: Any) -> None:
        wanted = vllm_config.scheduler_config.async_scheduling
        check(cls, vllm_config)
        if os.environ.get(ASYNCHRONOUS) == "1":
            vllm_config.scheduler_config.async_scheduling = wanted

    CpuPlatform.check_and_update_config = classmethod(keeping)
