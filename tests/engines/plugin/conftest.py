"""What the plugin's engine tests share. Also loaded by the engine's Python: keep it importable."""

from pathlib import Path

import pytest

from tests.parts import skip_without


@pytest.fixture(scope="session")
def engine_environment() -> Path:
    """The folder of vLLM's own environment; skips where it was not made."""
    from hack.vllm.environment import find

    folder = find()
    if folder is None:
        skip_without("no vLLM environment; make it with `make engine-env`")
    return folder
