"""What vLLM's own parser and configuration say of argument lists, by version."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import repeat
from pathlib import Path

import pytest

from hack.vllm import newest
from hack.vllm.environment import VLLM_VERSION
from tests.engines.v2.engine import shim
from tests.parts import skip_without

Accepts = Callable[..., list[str | None]]


@pytest.fixture(scope="session")
def accepts(in_engine: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Accepts:
    """Asks the vLLM of a version: None for each list that it takes, else its error.

    The newest one is its Python files over the packages of the installed one (`hack/vllm/newest`).
    `runners` are the model runners that a GPU would take, with a Triton that compiles nothing;
    without them it is a CPU's. `first` are
    folders with stand-ins of packages.
    """

    def ask(
        words: Sequence[Sequence[str]],
        version: str = VLLM_VERSION,
        *,
        runners: Sequence[str] | None = None,
        first: Sequence[Path] = (),
        limit_s: float = 240.0,
    ) -> list[str | None]:
        over: list[Path] = []
        if version == newest.VERSION:
            folder = newest.find()
            if folder is None:
                skip_without(f"no vLLM {version}; make it with `{newest.MAKE_COMMAND}`")
            over = [folder]
        if runners is not None:
            over.append(shim(tmp_path_factory.mktemp("shim")))
        asked = tmp_path_factory.mktemp("asked") / "words.json"
        asked.write_text(json.dumps(list(zip(words, runners or repeat(None), strict=False))))
        script = Path(__file__).with_name("accepts.py")
        output = in_engine(script, str(asked), first=(*over, *first), limit_s=limit_s)
        said, answers = output.strip().splitlines()[-2:]
        assert said.startswith(version), said
        given: list[str | None] = json.loads(answers)
        return given

    return ask
