"""The plugin in a real server: the same text under every K, acknowledgement, load, bypass."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from hack.vllm.client import Answer, Request, ask_all
from hack.vllm.server import Server, ServerFailedError, ServerOptions, draft_model
from tandem_runtime.contract.table import ALLOW, BYPASS, Segment
from tandem_runtime.vllm.install import copy_to
from tests.engines.plugin.serving import (
    DEEPEST,
    DRAFT,
    NAME,
    SEGMENT,
    TARGET,
    Page,
    TableFile,
    Tandem,
    answers,
    constrained,
    plain,
    texts,
    with_tools,
)

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

PLAIN = plain(48)
CONSTRAINED = constrained(40)
_TOOL_ARGUMENTS = ("--enable-auto-tool-choice", "--tool-call-parser", "hermes")


@pytest.fixture(scope="module")
def unaided(
    engine_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[tuple[int, ...], str]]:
    """What a server without speculation and without the plugin answers, plain then constrained."""
    options = ServerOptions(NAME, TARGET, arguments=_TOOL_ARGUMENTS)
    with Server(engine_environment, options, tmp_path_factory.mktemp("unaided")) as server:
        server.wait_ready()
        return texts(answers(server.url, [*PLAIN, *CONSTRAINED], 8))


@pytest.fixture(scope="module")
def tandem(engine_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tandem]:
    folder = tmp_path_factory.mktemp("tandem")
    copy_to(folder / "plugin")
    table = TableFile(folder / "table")
    table.put((1, 64, DEEPEST))
    options = ServerOptions(
        NAME,
        TARGET,
        draft_model(DRAFT, DEEPEST),
        arguments=_TOOL_ARGUMENTS,
        environ={
            "PYTHONPATH": str(folder / "plugin"),
            "TANDEM_TABLE_FILE": str(table.path),
            "TANDEM_METRICS_DIR": str(folder / "metrics"),
        },
    )
    with Server(engine_environment, options, folder) as server:
        server.wait_ready()
        yield Tandem(server.url, table)


def test_text_is_the_same_token_for_token_while_k_flips(
    tandem: Tandem, unaided: list[tuple[tuple[int, ...], str]]
) -> None:
    before = tandem.settled()

    async def flip() -> None:
        for depth in itertools.cycle([5, 0, 2, 1, 3, 0, 4]):
            tandem.table.put((1, 64, depth))
            await asyncio.sleep(0.12)

    async def under_flips() -> list[Answer]:
        flips = asyncio.create_task(flip())
        try:
            return await ask_all(tandem.url, NAME, PLAIN, 8)
        finally:
            flips.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await flips

    given = asyncio.run(under_flips())

    assert texts(given) == unaided[: len(PLAIN)]
    after = tandem.settled()
    used = {cell["tokens"] for cell in after.labels("tandem:cell_steps_total")}
    assert len(used) >= 4, used
    drafted = after.value("tandem:draft_tokens_total") - before.value("tandem:draft_tokens_total")
    accepted = after.value("tandem:accepted_tokens_total") - before.value(
        "tandem:accepted_tokens_total"
    )
    assert 0.1 < accepted / drafted < 0.9
    assert after.value("tandem:plugin_errors_total") == 0


def test_an_idle_engine_acknowledges_a_new_table(tandem: Tandem) -> None:
    delays_s = [tandem.put((1, 64, depth)) for depth in (1, 2, 3, 4, 5)]

    assert max(delays_s) < 2.0
    page = Page(tandem.url)
    assert page.value("tandem:effective_tokens", **{"from": "1", "to": "64"}) == 5
    assert page.labels("tandem:info")[0]["mode"] == "lookup"
    assert page.value("tandem:heartbeat_seconds") < 2.0


def test_k_follows_the_load_across_a_border_without_a_new_table(tandem: Tandem) -> None:
    tandem.put((1, 3, 5), (4, 64, 1))
    start = tandem.settled()
    answers(tandem.url, PLAIN[:2], 1)
    alone = tandem.settled()
    answers(tandem.url, PLAIN[:32], 16)
    crowd = tandem.settled()

    def drafted(before: Page, after: Page, position: int) -> float:
        name = "tandem:drafted_by_position_total"
        label = {"position": str(position)}
        return after.value(name, **label) - before.value(name, **label)

    assert drafted(start, alone, 4) == drafted(start, alone, 0) > 0
    # Deep drafts are left to the first two steps of the crowd and to its last few requests.
    assert 0 < drafted(alone, crowd, 4) < 0.25 * drafted(alone, crowd, 0)
    assert crowd.value("tandem:cell_steps_total", batch="12", tokens="5") == 0
    answers(tandem.url, PLAIN[:1], 1)
    assert tandem.settled().value("tandem:current_tokens") == 5


def drafted_for_constrained(tandem: Tandem, policy: str) -> tuple[float, list[Answer]]:
    """Tokens drafted for 40 constrained requests among 40 plain ones, and all 80 answers."""
    tandem.put((1, 64, 4), constrained_output=policy, segments={SEGMENT: Segment(DEEPEST)})
    name = "tandem:segment_drafted_total"
    before = tandem.settled().value(name, segment=SEGMENT)
    mixed = [one for pair in zip(PLAIN[:40], CONSTRAINED, strict=True) for one in pair]
    given = answers(tandem.url, mixed, 16)
    page = tandem.settled()
    return page.value(name, segment=SEGMENT) - before, [*given[::2], *given[1::2]]


def test_constrained_requests_are_never_drafted_for_and_all_texts_stay_the_same(
    tandem: Tandem, unaided: list[tuple[tuple[int, ...], str]]
) -> None:
    bypassed = tandem.settled().value("tandem:bypassed_requests_total", cause="constrained")

    drafted, given = drafted_for_constrained(tandem, BYPASS)

    assert drafted == 0
    assert texts(given) == unaided[:40] + unaided[len(PLAIN) :]
    page = tandem.settled()
    assert page.value("tandem:bypassed_requests_total", cause="constrained") == bypassed + 40
    assert page.value("tandem:bypassed_request_steps_total") > 0


def test_without_the_bypass_constrained_requests_are_drafted_for(tandem: Tandem) -> None:
    """Shows that the test above can fail: the count it relies on sees drafts when there are any."""
    drafted, _ = drafted_for_constrained(tandem, ALLOW)

    assert drafted > 0


def drafted_for(tandem: Tandem, *requests: Request) -> float:
    """Tokens drafted for requests that are marked as the segment; the table bypasses."""
    tandem.put((1, 64, 4), segments={SEGMENT: Segment(DEEPEST)})
    name = "tandem:segment_drafted_total"
    before = tandem.settled().value(name, segment=SEGMENT)
    answers(tandem.url, list(requests), 1)
    return tandem.settled().value(name, segment=SEGMENT) - before


def test_a_request_that_merely_offers_tools_is_drafted_for(tandem: Tandem) -> None:
    assert drafted_for(tandem, with_tools()) > 0


def test_a_request_with_a_strict_tool_is_bypassed(tandem: Tandem) -> None:
    assert drafted_for(tandem, with_tools(strict=True)) == 0


@pytest.mark.parametrize("chat", [False, True])
def test_a_request_can_ask_for_no_speculation_by_a_field_of_its_own(
    tandem: Tandem, chat: bool
) -> None:
    def asking(**fields: object) -> Request:
        body = {"tandem_segment": SEGMENT, **fields}
        return Request(PLAIN[0].prompt, max_tokens=40, chat=chat, body=body)

    assert drafted_for(tandem, asking(tandem_speculation="off")) == 0
    assert drafted_for(tandem, asking(tandem_max_draft_tokens=0)) == 0
    assert drafted_for(tandem, asking()) > 0


def test_a_requests_own_cap_holds(tandem: Tandem) -> None:
    tandem.put((1, 64, 4))
    name = "tandem:drafted_by_position_total"
    before = tandem.settled()
    capped = [replace(one, body={"tandem_max_draft_tokens": 2}) for one in PLAIN[:4]]

    answers(tandem.url, capped, 2)

    after = tandem.settled()
    drafted = [
        after.value(name, position=str(place)) - before.value(name, position=str(place))
        for place in range(3)
    ]
    assert drafted[1] > 0
    assert drafted[2] == 0


@pytest.mark.parametrize("chat", [False, True])
def test_a_field_that_means_nothing_is_refused_with_its_name(tandem: Tandem, chat: bool) -> None:
    wrong = Request("a", max_tokens=2, chat=chat, body={"tandem_speculation": "never"})

    with pytest.raises(httpx.HTTPStatusError, match=r"^400: .*tandem_speculation is 'never': give"):
        answers(tandem.url, [wrong], 1)


def test_a_changed_file_keeps_the_engine_from_starting(
    engine_environment: Path, tmp_path: Path
) -> None:
    copy_to(tmp_path / "plugin")
    digests = tmp_path / "digests.json"
    changed = str(TARGET / "tokenizer.json")
    digests.write_text(json.dumps({"version": 1, "files": {changed: "sha256:0"}}))
    options = ServerOptions(
        NAME,
        TARGET,
        environ={"PYTHONPATH": str(tmp_path / "plugin"), "TANDEM_DIGESTS_FILE": str(digests)},
    )

    with (
        Server(engine_environment, options, tmp_path) as server,
        pytest.raises(ServerFailedError, match=f"tandem: {changed} is sha256:"),
    ):
        server.wait_ready()


def test_several_api_servers_show_the_plugins_metrics(
    engine_environment: Path, tmp_path: Path
) -> None:
    copy_to(tmp_path / "plugin")
    options = ServerOptions(
        NAME,
        TARGET,
        arguments=("--api-server-count", "2"),
        environ={
            "PYTHONPATH": str(tmp_path / "plugin"),
            "TANDEM_METRICS_DIR": str(tmp_path / "metrics"),
        },
    )

    with Server(engine_environment, options, tmp_path) as server:
        server.wait_ready()
        infos = Page(server.url).labels("tandem:info")

    assert [(info["mode"], info["reason"]) for info in infos] == [("observe", "NoSpeculation")]
