"""The torch engine over HTTP, a real process of the tiny pair.

Covered: completions and chat, whole and streamed; stops, n, usage, log-probabilities; errors in
OpenAI's form with 400, 401, 404, 413 and 429; the table in force; drain on SIGTERM; thousands of
requests with malformed ones and clients that leave, after which no block and no memory is held.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from hack.torch_engine.server import REPOSITORY, TorchServer, serve
from hack.vllm.client import scrape
from tandem_runtime.contract.table import Range, SpeculationTable, render

PAIR = REPOSITORY / "examples" / "tiny-pair"
REQUESTS = int(os.environ.get("TANDEM_TORCH_REQUESTS", "200"))
DRAFT = ("--method", "draft_model", "--draft", str(PAIR / "draft"), "--kv-cache-mib", "32")

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def server(engine_environment: Any) -> Iterator[TorchServer]:
    with serve(
        PAIR / "target", *DRAFT, "--max-model-len", "512", "--max-queue", "8",
        "--max-num-seqs", "8", "--max-body-bytes", "20000", "--api-key", "right", threads=1,
    ) as made:  # fmt: skip
        yield made


@pytest.fixture
def client(server: TorchServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer right"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=120) as made:
        yield made


def completion(client: httpx.Client, **body: Any) -> dict[str, Any]:
    body = {"prompt": "def read(", "temperature": 0, "max_tokens": 24, **body}
    answer = client.post("/v1/completions", json=body)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def events(client: httpx.Client, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    with client.stream("POST", path, json={**body, "stream": True}) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


def test_a_stream_says_the_same_as_a_whole_answer(client: httpx.Client) -> None:
    whole = completion(client, return_token_ids=True)
    body = {"prompt": "def read(", "temperature": 0, "max_tokens": 24, "return_token_ids": True}
    parts = events(client, "/v1/completions", {**body, "stream_options": {"include_usage": True}})

    assert "".join(p["choices"][0]["text"] for p in parts[:-1]) == whole["choices"][0]["text"]
    assert [t for p in parts[:-1] for t in p["choices"][0]["token_ids"]] == whole["choices"][0][
        "token_ids"
    ]
    assert parts[-2]["choices"][0]["finish_reason"] == "length"
    assert parts[-1]["usage"] == whole["usage"]
    assert whole["usage"]["completion_tokens"] == 24


def test_an_answer_ends_before_the_first_stop_also_when_it_comes_in_pieces(
    client: httpx.Client,
) -> None:
    text = completion(client)["choices"][0]["text"]
    stop = text[9:15]

    for stops in (stop, [stop, "never said"]):
        choice = completion(client, stop=stops)["choices"][0]
        assert choice["text"] == text[: text.index(stop)]
        assert choice["finish_reason"] == "stop"
    body = {"prompt": "def read(", "temperature": 0, "max_tokens": 24, "stop": stop}
    parts = events(client, "/v1/completions", body)
    assert "".join(p["choices"][0]["text"] for p in parts) == text[: text.index(stop)]


def test_chat_gives_a_message_and_its_role_once(client: httpx.Client) -> None:
    body = {"messages": [{"role": "user", "content": "def"}], "max_tokens": 8, "temperature": 0}
    whole = client.post("/v1/chat/completions", json=body).json()
    parts = events(client, "/v1/chat/completions", body)

    assert whole["choices"][0]["message"]["role"] == "assistant"
    deltas = [part["choices"][0]["delta"] for part in parts]
    assert [delta.get("role") for delta in deltas] == ["assistant"] + [None] * (len(deltas) - 1)
    assert "".join(d["content"] for d in deltas) == whole["choices"][0]["message"]["content"]


def test_choices_and_log_probabilities_are_as_many_as_asked_for(client: httpx.Client) -> None:
    answer = completion(client, n=3, temperature=1.0, seed=5, logprobs=2, max_tokens=5)

    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert len({choice["text"] for choice in answer["choices"]}) > 1
    for choice in answer["choices"]:
        assert len(choice["logprobs"]["token_logprobs"]) == 5
        assert all(len(top) == 2 for top in choice["logprobs"]["top_logprobs"])
    again = completion(client, n=3, temperature=1.0, seed=5, logprobs=2, max_tokens=5)
    assert again["choices"] == answer["choices"]


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"temperature": "hot"}, 400, "temperature"),
        ({"tools": []}, 400, "tools"),
        ({"stop": [""]}, 400, None),
        ({"logit_bias": {"999999": 1}}, 400, "logit_bias"),
        ({"prompt": [5000]}, 400, "prompt"),
        ({"prompt": ""}, 400, "prompt"),
        ({"structured_outputs": {"regex": "("}}, 400, "structured_outputs"),
        ({"structured_outputs": {"regex": "a", "json": {}}}, 400, "structured_outputs"),
        ({"model": "other"}, 404, "model"),
        ({"max_tokens": 5000}, 413, "prompt"),
        ({"prompt": "x" * 30_000}, 413, None),
        ({"n": 16, "prompt": ["a", "b"]}, 429, None),
    ],
)  # fmt: skip
def test_a_refusal_says_which_field_is_at_fault(
    body: dict[str, Any], status: int, param: str | None, client: httpx.Client
) -> None:
    answer = client.post("/v1/completions", json={"prompt": "a", **body})

    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["message"]
    assert error["type"]
    if param is not None:
        assert error["param"] == param


def test_what_is_no_json_is_refused(client: httpx.Client) -> None:
    answer = client.post("/v1/completions", content=b"{broken")

    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]["message"]


def test_only_the_right_key_is_let_in_and_pages_need_none(server: TorchServer) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        for path in ("/v1/completions", "/v1/models"):
            method = "GET" if path.endswith("models") else "POST"
            answer = httpx.request(method, server.url + path, headers=headers)
            assert answer.status_code == 401
    for path in ("/health", "/ready", "/metrics"):
        assert httpx.get(server.url + path).status_code == 200


def test_a_new_table_is_in_force_at_the_next_step(
    server: TorchServer, client: httpx.Client
) -> None:
    before = completion(client)["choices"][0]["text"]
    for generation, tokens in enumerate((0, 4, 1), 1):
        schedule = (Range(1, 64, tokens),)
        fresh = server.table.with_suffix(".new")
        fresh.write_text(render(SpeculationTable("", generation, schedule, epoch="e")))
        fresh.replace(server.table)
        _wait(server, "tandem:applied_generation", generation)
        assert completion(client)["choices"][0]["text"] == before
        _wait(server, "tandem:current_tokens", tokens)


def test_many_requests_of_every_kind_leave_nothing_behind(server: TorchServer) -> None:
    process = psutil.Process(server.process.pid)
    settled_bytes = _settled_bytes(server, process)
    failures = asyncio.run(_storm(server.url, REQUESTS, seed=2))
    _wait(server, "vllm:num_requests_running", 0)
    _wait(server, "vllm:num_requests_waiting", 0)
    _wait(server, "vllm:kv_cache_usage_perc", 0)

    assert failures == []
    grown = process.memory_info().rss / settled_bytes
    print(f"{REQUESTS} requests, resident memory x {grown:.3f}")
    assert grown < 1.05


def _settled_bytes(server: TorchServer, process: psutil.Process) -> int:
    """Resident memory once a storm adds less than 1 %: kernels are made when first needed."""
    before = process.memory_info().rss
    for seed in range(100, 130):
        asyncio.run(_storm(server.url, 100, seed))
        _wait(server, "vllm:num_requests_running", 0)
        after = process.memory_info().rss
        if after < 1.01 * before:
            return int(after)
        before = after
    raise AssertionError(f"memory never settled: {before} bytes after 3,000 requests")


def test_running_requests_end_before_the_process_does(engine_environment: Any) -> None:
    with serve(PAIR / "target", *DRAFT, threads=1) as own:

        async def drained() -> int:
            async with httpx.AsyncClient(base_url=own.url, timeout=60) as client:
                body = {"prompt": "a", "max_tokens": 300, "ignore_eos": True}
                asking = asyncio.create_task(client.post("/v1/completions", json=body))
                await asyncio.to_thread(_wait, own, "vllm:num_requests_running", 1)
                stopping = asyncio.create_task(asyncio.to_thread(own.stop))
                answer = await asking
                await stopping
                return int(answer.json()["usage"]["completion_tokens"])

        assert asyncio.run(drained()) == 300


async def _storm(url: str, requests: int, seed: int) -> list[str]:
    """Requests of all kinds, sixteen at a time; what came back wrong."""
    draws = random.Random(seed)
    failures: list[str] = []
    gate = asyncio.Semaphore(16)
    headers = {"Authorization": "Bearer right"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=120) as client:

        async def one(kind: float, body: dict[str, Any]) -> None:
            async with gate:
                if kind < 0.2:  # a client that leaves
                    try:
                        await client.post("/v1/completions", json=body, timeout=kind / 4)
                    except httpx.TimeoutException:
                        return
                elif kind < 0.35:  # a malformed one
                    bad = {**body, "top_p": 7} if kind < 0.3 else {"prompt": 1}
                    answer = await client.post("/v1/completions", json=bad)
                    if answer.status_code not in (400, 429):
                        failures.append(answer.text)
                elif kind < 0.5:  # a stream that is read in part
                    async with client.stream(
                        "POST", "/v1/completions", json={**body, "stream": True}
                    ) as answer:
                        async for _ in answer.aiter_lines():
                            if kind < 0.42:
                                break
                else:
                    answer = await client.post("/v1/completions", json=body)
                    if answer.status_code not in (200, 429):
                        failures.append(answer.text)

        def body() -> dict[str, Any]:
            made: dict[str, Any] = {
                "prompt": [draws.randrange(2048) for _ in range(draws.randint(1, 60))],
                "max_tokens": draws.randint(1, 12),
                "temperature": draws.choice([0, 0.7, 1.5]),
            }
            if draws.random() < 0.1:
                made["structured_outputs"] = {"regex": "[a-z]{1,5}"}
            if draws.random() < 0.1:
                made["vllm_xargs"] = {"tandem_speculation": "off", "tandem_segment": "chat"}
            return made

        await asyncio.gather(*(one(draws.random(), body()) for _ in range(requests)))
    return failures


def _wait(server: TorchServer, name: str, value: float) -> None:
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s:
        page = asyncio.run(scrape(server.url))
        if page.labels(name) and page.total(name) == value:
            return
        time.sleep(0.05)
    raise AssertionError(f"{name} did not become {value}")
