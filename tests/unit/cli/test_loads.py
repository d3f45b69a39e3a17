"""Loads as people have them: each form becomes the same trace, and what is wrong is named."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tandem_operator.cli.loads.prometheus import range_of, selector_of
from tandem_operator.cli.loads.read import read
from tandem_operator.simulation.world.load.trace import TraceError

CSV = "arrival_s,input_tokens,output_tokens\n0,100,20\n1.5,30,4\n"
AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 18:15:46.6805900,100,20\n2023-11-16 18:15:48.1805900,30,4\n"
)
OPENAI = "\n".join(
    json.dumps(one)
    for one in (
        {"timestamp": 1700000000.0, "usage": {"prompt_tokens": 100, "completion_tokens": 20}},
        {"error": {"message": "too long"}, "timestamp": 1700000001},
        {
            "timestamp": "2023-11-14T22:13:21.500Z",
            "response": {"body": {"usage": {"input_tokens": 30, "output_tokens": 4}}},
        },
    )
)
IDS = ", ".join(["7"] * 100)
VLLM = f"""\
INFO 11-16 18:15:46.250 [api_server.py:1] Started server process
DEBUG 11-16 18:15:46.500 [logger.py:60] Request chatcmpl-1 details: prompt: 'a: [1]', \
prompt_token_ids: [{IDS}], prompt_embeds shape: None.
INFO 11-16 18:15:46.500 [logger.py:70] Received request chatcmpl-1: params: x, lora_request: None.
INFO 11-16 18:15:48.000 [logger.py:40] Received request chatcmpl-2: prompt: 'b', params: x, \
prompt_token_ids: [{", ".join(["7"] * 30)}], prompt_embeds shape: None, lora_request: None.
INFO 11-16 18:15:49.000 [logger.py:80] Generated response chatcmpl-1: output: 'c', \
output_token_ids: [{", ".join(["9"] * 20)}], finish_reason: stop
INFO 11-16 18:15:49.100 [logger.py:80] Generated response chatcmpl-2 (streaming delta): \
output: 'd', output_token_ids: [1, 2], finish_reason: None
INFO 11-16 18:15:49.200 [logger.py:80] Generated response chatcmpl-2 (streaming delta): \
output: 'd', output_token_ids: [3, 4], finish_reason: stop
INFO 11-16 18:15:49.300 [logger.py:80] Generated response chatcmpl-2 (streaming complete): \
output: 'dd', output_token_ids: None, finish_reason: streaming_complete
"""


@pytest.mark.parametrize("text", [CSV, AZURE, OPENAI, VLLM], ids=["csv", "azure", "openai", "vllm"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_form_and_encoding_gives_the_same_requests(
    text: str, encoding: str, tmp_path: Path
) -> None:
    file = tmp_path / "load"
    file.write_bytes(text.encode(encoding))

    traces = [
        (one.arrival_s, one.input_tokens, one.output_tokens) for one in read(str(file)).arrivals
    ]

    assert traces == [(0.0, 100, 20), (pytest.approx(1.5), 30, 4)]


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CSV.encode())))

    assert len(read("-").arrivals) == 2


def test_answers_of_one_second_are_spread_over_it(tmp_path: Path) -> None:
    line = json.dumps({"created": 5, "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    (tmp_path / "a").write_text("\n".join([line] * 4))

    assert [one.arrival_s for one in read(str(tmp_path / "a")).arrivals] == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TIMESTAMP,ContextTokens\n1,2\n", "column 'GeneratedTokens' is missing"),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\nnoon,1,2\n", "line 2"),
        ('{"usage": {"prompt_tokens": 1, "completion_tokens": 2}}', "line 1: no time of it"),
        ('{"created": 1, "usage": {"prompt_tokens": 1}}', "line 1: usage has no whole"),
        ('{"created": ', "line 1: not JSON"),
        ("hello\n", "its first line is 'hello'"),
        (VLLM.replace("token_ids", "ids"), "none with prompt_token_ids"),
    ],
)
def test_what_is_wrong_is_named(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(text)

    with pytest.raises(TraceError, match=expected.replace("(", r"\(")):
        read(str(tmp_path / "a"))


def test_ranges_and_matchers_are_those_of_prometheus() -> None:
    assert (range_of("24h"), range_of("1h30m"), range_of("7d")) == (86_400, 5400, 604_800)
    for wrong in ("", "24", "h", "24 h", "1h30"):
        with pytest.raises(ValueError, match="no range"):
            range_of(wrong)
    assert selector_of('{namespace="a", pod=~"b,c.*"}') == 'namespace="a", pod=~"b,c.*"'
    for wrong in ('a="b"} or up{', "a=b", 'a="b" c="d"', "up"):
        with pytest.raises(ValueError, match="no matchers"):
            selector_of(wrong)
