"""`Suffix` on a real vLLM with the real arctic-inference: K is cut, and the text stays the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.vllm.client import Request
from hack.vllm.server import Server, ServerOptions
from tandem_runtime.vllm.install import copy_to
from tests.engines.plugin.serving import (
    NAME,
    TARGET,
    Page,
    TableFile,
    Tandem,
    answers,
    prompts,
    texts,
)
from tests.parts import skip_without

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

DEEPEST = 7
REPEATING = [Request(f"{prompt}\n" * 3, max_tokens=48) for prompt in prompts(12)]
"""What is in the prompt already is what suffixes are found of."""


@pytest.fixture(scope="module")
def arctic() -> Path:
    """The folder of arctic-inference; skips where nobody has built it."""
    from hack.arctic.environment import MAKE_COMMAND, find

    folder = find()
    if folder is None:
        skip_without(f"no arctic-inference; build it with `{MAKE_COMMAND}`")
    return folder


@pytest.fixture(scope="module")
def tandem(
    engine_environment: Path, arctic: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tandem]:
    folder = tmp_path_factory.mktemp("suffix")
    copy_to(folder / "plugin")
    table = TableFile(folder / "table")
    table.put((1, 64, 0))
    options = ServerOptions(
        NAME,
        TARGET,
        {"method": "suffix", "num_speculative_tokens": DEEPEST},
        environ={
            "PYTHONPATH": os.pathsep.join((str(folder / "plugin"), str(arctic))),
            "TANDEM_TABLE_FILE": str(table.path),
            "TANDEM_METRICS_DIR": str(folder / "metrics"),
        },
    )
    with Server(engine_environment, options, folder) as server:
        server.wait_ready()
        yield Tandem(server.url, table)


def test_drafts_are_cut_to_k_and_the_text_stays_the_same(tandem: Tandem) -> None:
    given, deepest, accepted, iterations = [], [], [], []
    for depth in (0, DEEPEST, 3, 0):
        tandem.put((1, 64, depth))
        before = tandem.settled()
        given.append(texts(answers(tandem.url, REPEATING, 4)))
        after = tandem.settled()
        deepest.append(_deepest(before, after))
        accepted.append(_grown("tandem:accepted_tokens_total", before, after))
        iterations.append(_grown("tandem:iterations_total", before, after))

    assert given[1:] == given[:1] * 3
    assert deepest == [0, DEEPEST, 3, 0]
    assert accepted[0] == accepted[3] == 0
    assert accepted[1] > accepted[2] > 0
    assert iterations[1] < iterations[2] < iterations[3]
    page = Page(tandem.url)
    assert page.labels("tandem:info")[0]["mode"] == "trim"
    assert page.value("tandem:plugin_errors_total") == 0


def _grown(name: str, before: Page, after: Page, **labels: str) -> float:
    return after.value(name, **labels) - before.value(name, **labels)


def _deepest(before: Page, after: Page) -> int:
    """The most tokens that a draft had, after it was cut."""
    name = "tandem:drafted_by_position_total"
    drafted = (_grown(name, before, after, position=str(each)) for each in range(DEEPEST + 1))
    return sum(tokens > 0 for tokens in drafted)
