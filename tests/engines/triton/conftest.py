"""What the tests on a real Triton share; one takes some seconds to start, so few are started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.triton.server import REPOSITORY, Pod, Process, pod, triton
from tests.parts import skip_without

PAIR = REPOSITORY / "examples" / "tiny-pair"
DEEPEST = 5
DRAFT = (
    "--method", "draft_model", "--draft", str(PAIR / "draft"),
    "--num-speculative-tokens", str(DEEPEST), "--kv-cache-mib", "64", "--max-model-len", "512",
    "--max-num-seqs", "8", "--max-queue", "8",
)  # fmt: skip


@pytest.fixture(scope="session")
def triton_environment() -> Path:
    """The folder of Triton's own environment; skips where it or torch's was not made."""
    from hack.triton.environment import MAKE_COMMAND, find
    from hack.vllm import environment as vllm

    folder = find()
    if folder is None or vllm.find() is None:
        skip_without(f"no Triton, or no torch for it; make them with `{MAKE_COMMAND}` and "
                    f"`{vllm.MAKE_COMMAND}`")  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def place(triton_environment: Path) -> Iterator[Pod]:
    """The folders and ports of one pod."""
    with pod() as made:
        yield made


@pytest.fixture(scope="module")
def server(place: Pod) -> Iterator[Process]:
    """A Triton of the tiny pair in that pod."""
    with triton(place, PAIR / "target", *DRAFT) as made:
        yield made
