"""What the torch engine's tests share. Also loaded by the engine's Python: keep it importable."""

from pathlib import Path

import pytest

from tests.parts import skip_without


@pytest.fixture(scope="session")
def engine_environment() -> Path:
    """The folder of an environment with torch (vLLM's own); skips where it was not made."""
    from hack.vllm.environment import find

    folder = find()
    if folder is None:
        skip_without("no environment with torch; make it with `make engine-env`")
    return folder
