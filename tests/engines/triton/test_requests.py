"""The torch engine in a real Triton, asked by HTTP and by gRPC.

Covered: the same tokens as the engine alone; streams; options as inputs, parameters and JSON;
drafts of one request; what is refused, and by whom; clients that leave; orders from clients.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from hack.torch_engine.server import serve
from hack.triton.server import MODEL, REPOSITORY, Pod, Process
from hack.vllm.environment import DEBIAN_PYTHON
from tests.engines.triton.asking import PROMPTS, generate, sample, settled, stream
from tests.engines.triton.conftest import DRAFT, PAIR

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("server")]
DRAFTED = ("tandem:drafts_total", "tandem:draft_tokens_total")
INSIDE = Path(__file__).parent / "inside"


def test_every_prompt_gets_the_tokens_of_the_engine_alone(place: Pod) -> None:
    with serve(PAIR / "target", *DRAFT, threads=1) as alone:
        for prompt in PROMPTS:
            body = {"prompt": prompt, "temperature": 0, "max_tokens": 48, "return_token_ids": True}
            wanted = httpx.post(f"{alone.url}/v1/completions", json=body, timeout=60).json()
            (choice,) = wanted["choices"]
            generated = generate(place, text_input=prompt, max_tokens=48).json()
            assert generated["text_output"] == choice["text"]
            assert generated["token_ids"] == choice["token_ids"]
            assert generated["finish_reason"] == choice["finish_reason"]
            assert generated["prompt_tokens"] == wanted["usage"]["prompt_tokens"]
            assert generated["completion_tokens"] == wanted["usage"]["completion_tokens"]
        drawn = {"temperature": 0.8, "seed": 11, "max_tokens": 32}
        body = {"prompt": PROMPTS[1], "return_token_ids": True, **drawn}
        wanted = httpx.post(f"{alone.url}/v1/completions", json=body, timeout=60).json()
        generated = generate(place, text_input=PROMPTS[1], **drawn).json()
        assert len(generated["token_ids"]) == len(wanted["choices"][0]["token_ids"])


def test_a_stream_says_the_same_in_pieces_and_ends_with_the_usage(place: Pod) -> None:
    whole = generate(place).json()
    events = stream(place)

    assert len(events) > 5
    assert "".join(event["text_output"] for event in events) == whole["text_output"]
    assert [event.get("finish_reason") for event in events[:-1]] == [None] * (len(events) - 1)
    for name in ("finish_reason", "prompt_tokens", "completion_tokens"):
        assert events[-1][name] == whole[name]


@pytest.mark.parametrize(
    "more",
    [
        {"stop": ["closed"]},
        {"parameters": {"stop": "closed"}},
        {"sampling_parameters": '{"stop": ["closed"]}'},
        {"sampling_parameters": '{"stop": "nowhere"}', "stop": ["closed"]},
    ],
)
def test_an_option_is_an_input_a_parameter_or_json(more: dict[str, Any], place: Pod) -> None:
    whole = generate(place).json()["text_output"]
    generated = generate(place, **more).json()

    assert generated["text_output"] == whole[: whole.index("closed")]
    assert generated["finish_reason"] == "stop"


def test_the_prompt_has_two_names(place: Pod) -> None:
    body = {"prompt": PROMPTS[2], "temperature": 0, "max_tokens": 8}
    generated = httpx.post(f"{place.model_url}/generate", json=body, timeout=30).json()

    assert (
        generated["text_output"]
        == generate(place, text_input=PROMPTS[2], max_tokens=8).json()["text_output"]
    )


@pytest.mark.parametrize("tokens", [0, 1])
def test_one_request_may_have_shallower_drafts_and_the_same_answer(tokens: int, place: Pod) -> None:
    whole = generate(place, max_tokens=64).json()["text_output"]
    drafts, drafted = settled(place, *DRAFTED)
    generated = generate(place, max_tokens=64, num_draft_tokens=tokens).json()["text_output"]
    more = settled(place, *DRAFTED)

    assert generated == whole
    assert more[1] - drafted == tokens * (more[0] - drafts)
    assert (more[0] > drafts) == (tokens > 0)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 7}, "top_p"),
        ({"foo": 1}, "foo"),
        ({"n": 2}, "n: "),
        ({"logprobs": 2}, "logprobs"),
        ({"max_tokens": 5000}, "512 tokens"),
        ({"num_draft_tokens": -1}, "num_draft_tokens is -1"),
        ({"tandem_speculation": "maybe"}, "tandem_speculation"),
        ({"prompt": "twice"}, "give one text"),
        ({"text_input": ""}, "no token"),
        ({"exclude_input_in_output": False}, "exclude_input_in_output"),
        ({"sampling_parameters": "{"}, "sampling_parameters is not JSON"),
        ({"sampling_parameters": "[]"}, "sampling_parameters is no JSON object"),
        ({"sampling_parameters": '{"response_format": {"type": "xml"}}'}, "response_format"),
    ],
)
def test_a_refusal_says_what_is_at_fault(body: dict[str, Any], expected: str, place: Pod) -> None:
    answer = generate(place, **body)

    assert answer.status_code == 400, answer.text
    assert expected in answer.json()["error"]


@pytest.mark.parametrize(
    "body", [b"{broken", b'{"text_input": ["a", "b"]}', b'{"max_tokens": "x"}']
)
def test_what_triton_itself_cannot_read_harms_nobody(body: bytes, place: Pod) -> None:
    url = f"{place.model_url}/generate"
    answer = httpx.post(url, content=body, timeout=30)

    assert answer.status_code in (400, 500)
    assert answer.json()["error"]
    assert generate(place, max_tokens=2).status_code == 200


@pytest.mark.parametrize("order", ["{}", '{"key": "guessed", "act": "restore"}', "{", "", "[]"])
def test_a_client_cannot_give_orders(order: str, place: Pod) -> None:
    before = sample(place, "tandem:applied_generation")
    answer = generate(place, tandem_control=order)

    assert answer.status_code == 400
    assert "tandem_control" in answer.json()["error"]
    assert sample(place, "tandem:applied_generation") == before


def test_no_model_is_loaded_or_unloaded_over_the_network(place: Pod) -> None:
    for act in ("load", "unload"):
        url = f"{place.url}/v2/repository/models/{MODEL}/{act}"
        assert httpx.post(url, json={}, timeout=30).status_code >= 400
    assert generate(place, max_tokens=2).status_code == 200


def test_a_constrained_answer_is_json_of_its_schema(place: Pod) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"],
              "additionalProperties": False}  # fmt: skip
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    text = httpx.Response(200, json={"response_format": form}).text
    generated = generate(place, sampling_parameters=text, max_tokens=40).json()

    assert generated["finish_reason"] == "stop"
    assert httpx.Response(200, text=generated["text_output"]).json()["a"] in (1, 2)


def test_grpc_streams_takes_parameters_and_frees_the_engine_when_the_client_leaves(
    place: Pod, server: Process
) -> None:
    (before,) = settled(place, "vllm:generation_tokens_total")
    done = subprocess.run(
        [DEBIAN_PYTHON, INSIDE / "grpc_client.py", f"127.0.0.1:{place.grpc}", MODEL],
        capture_output=True, text=True, timeout=60, cwd=REPOSITORY, env=place.environ({}),
        check=False,
    )  # fmt: skip
    (after,) = settled(place, "vllm:generation_tokens_total")

    assert done.returncode == 0, done.stdout + done.stderr
    assert sample(place, "vllm:num_requests_running") == 0
    # 32 tokens were read, and of the 480 of the second request only those until it was left.
    assert 32 < after - before < 32 + 470
    assert done.stdout.strip() == generate(place, max_tokens=32).json()["text_output"].strip()
    assert server.running.poll() is None
