"""Which requests are constrained: what vLLM's own request classes and parsers make of each body.

A request is constrained when a grammar masks what it may generate, and of that the scheduler knows:
so the plugin asks it, and nothing of a body has to be guessed. The table below is vLLM's answer.

Collected by the engine's own Python only; see `test_inside.py`.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from types import ModuleType
from typing import Any

import pytest
from transformers import AutoTokenizer
from vllm.entrypoints.openai.chat_completion import protocol as chat
from vllm.entrypoints.openai.completion import protocol as completion
from vllm.entrypoints.openai.responses import protocol as responses
from vllm.parser.parser_manager import ParserManager
from vllm.v1.request import Request

from tandem_runtime.plugin.depth.request_options import (
    PLAIN,
    RequestFieldError,
    RequestOptions,
    options_of,
)
from tandem_runtime.vllm import request_fields
from tests.engines.plugin.inside.bench import TARGET

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "thing", "schema": SCHEMA}}
TAG = {
    "type": "structural_tag",
    "structures": [{"begin": "<call>", "schema": SCHEMA, "end": "</call>"}],
    "triggers": ["<call>"],
}
FORMATS: dict[str, tuple[dict[str, Any], bool]] = {
    "nothing": ({}, False),
    "text": ({"response_format": {"type": "text"}}, False),
    "json_object": ({"response_format": {"type": "json_object"}}, True),
    "json_schema": ({"response_format": JSON_SCHEMA}, True),
    "structural_tag": ({"response_format": TAG}, True),
    "json": ({"structured_outputs": {"json": SCHEMA}}, True),
    "any json": ({"structured_outputs": {"json_object": True}}, True),
    "regex": ({"structured_outputs": {"regex": "[a-z]+"}}, True),
    "choice": ({"structured_outputs": {"choice": ["a", "b"]}}, True),
    "tag": ({"structured_outputs": {"structural_tag": json.dumps(TAG)}}, True),
    "grammar": ({"structured_outputs": {"grammar": 'root ::= "a"'}}, True),
    # Removed from vLLM, which says in its log that it ignores them: nothing is masked.
    "guided_json": ({"guided_json": SCHEMA}, False),
    "guided_regex": ({"guided_regex": "[a-z]+"}, False),
}
"""Fields of chat and text completions alike, and whether vLLM masks for them."""


def tool(**changes: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "store", "parameters": SCHEMA, **changes}}


NAMED = {"type": "function", "function": {"name": "store"}}
TOOLS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "auto": ("hermes", {"tools": [tool()], "tool_choice": "auto"}, False),
    "auto by default": ("hermes", {"tools": [tool()]}, False),
    "auto, strict false": ("hermes", {"tools": [tool(strict=False)]}, False),
    "none": ("hermes", {"tools": [tool(strict=True)], "tool_choice": "none"}, False),
    "required": ("hermes", {"tools": [tool()], "tool_choice": "required"}, True),
    "named": ("hermes", {"tools": [tool()], "tool_choice": NAMED}, True),
    "auto, strict": ("hermes", {"tools": [tool(strict=True)]}, True),
    "auto, one of two strict": ("hermes", {"tools": [tool(), tool(name="b", strict=True)]}, True),
    # Only a grammar can hold the model to one call.
    "auto, one call": ("hermes", {"tools": [tool()], "parallel_tool_calls": False}, True),
    # vLLM has no grammar for this family's calls: strict is asked for and nothing is masked.
    "auto, strict, no grammar": ("pythonic", {"tools": [tool(strict=True)]}, False),
    "required, no grammar": ("pythonic", {"tools": [tool()], "tool_choice": "required"}, True),
}
"""The parser of tool calls, fields of a chat completion, and whether vLLM masks for them."""


@cache
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(str(TARGET))


def chatting(**fields: Any) -> Any:
    messages = [{"role": "user", "content": "a"}]
    return chat.ChatCompletionRequest(model="m", messages=messages, **fields)


def adjusted(request: Any, tools: str | None, reasoning: str | None = None, **options: Any) -> Any:
    """The request as vLLM's renderer hands it on."""
    parser = ParserManager.get_parser(
        tool_parser_name=tools, reasoning_parser_name=reasoning, enable_auto_tools=True, **options
    )
    if parser is None or (request.tool_choice == "none" and reasoning is None):
        return request
    return parser(tokenizer(), request.tools).adjust_request(request)


def scheduled(request: Any, *arguments: Any) -> Request:
    """The request as it reaches the scheduler."""
    parameters = request.to_sampling_params(16, *(arguments or ({},)))
    return Request("r", [1, 2, 3], parameters, None)


def options(request: Request) -> RequestOptions:
    """What the plugin makes of it."""
    assert request.sampling_params is not None
    return options_of(request.sampling_params.extra_args, request.use_structured_output)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_of_chat_completions(name: str) -> None:
    fields, masked = FORMATS[name]

    assert options(scheduled(chatting(**fields))).constrained is masked


@pytest.mark.parametrize("name", FORMATS)
def test_formats_of_text_completions(name: str) -> None:
    fields, masked = FORMATS[name]
    request = completion.CompletionRequest(model="m", prompt="a", **fields)

    assert options(scheduled(request)).constrained is masked


@pytest.mark.parametrize("name", TOOLS)
def test_tools_of_chat_completions(name: str) -> None:
    parser, fields, masked = TOOLS[name]

    assert options(scheduled(adjusted(chatting(**fields), parser))).constrained is masked


@pytest.mark.parametrize(
    ("level", "masked"), [("auto", False), ("function", True), ("parameter", True)]
)
def test_a_server_may_hold_all_tools_to_their_grammar(level: str, masked: bool) -> None:
    request = adjusted(chatting(tools=[tool()]), "hermes", tool_strict_level=level)

    assert options(scheduled(request)).constrained is masked


@pytest.mark.parametrize("name", ["nothing", "json_schema", "regex"])
def test_a_parser_of_reasoning_changes_nothing(name: str) -> None:
    """The mask begins behind the reasoning; the request is constrained from its arrival."""
    fields, masked = FORMATS[name]
    request = adjusted(chatting(**fields), None, "deepseek_v3")

    assert options(scheduled(request)).constrained is masked


RESPONSES: dict[str, tuple[dict[str, Any], bool]] = {
    "nothing": ({}, False),
    "text": ({"text": {"format": {"type": "text"}}}, False),
    "json_object": ({"text": {"format": {"type": "json_object"}}}, True),
    "json_schema": (
        {"text": {"format": {"type": "json_schema", "name": "thing", "schema": SCHEMA}}},
        True,
    ),
    "structured_outputs": ({"structured_outputs": {"regex": "[a-z]+"}}, True),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_formats_of_responses(name: str) -> None:
    fields, masked = RESPONSES[name]
    request = responses.ResponsesRequest(model="m", input="a", **fields)

    assert options(scheduled(request)).constrained is masked


RESPONSE_TOOL = {"type": "function", "name": "store", "parameters": SCHEMA}


@pytest.mark.parametrize(
    ("fields", "masked"),
    [
        ({"tools": [RESPONSE_TOOL]}, False),
        ({"tools": [{**RESPONSE_TOOL, "strict": False}], "tool_choice": "auto"}, False),
        ({"tools": [{**RESPONSE_TOOL, "strict": True}]}, True),
        ({"tools": [RESPONSE_TOOL], "tool_choice": "required"}, True),
        ({"tools": [RESPONSE_TOOL], "tool_choice": {"type": "function", "name": "store"}}, True),
        ({"tools": [RESPONSE_TOOL], "tool_choice": "none"}, False),
    ],
)
def test_tools_of_responses(fields: dict[str, Any], masked: bool) -> None:
    request = adjusted(responses.ResponsesRequest(model="m", input="a", **fields), "hermes")

    assert options(scheduled(request)).constrained is masked


CLASSES = {
    "chat": (chat, "ChatCompletionRequest", {"messages": [{"role": "user", "content": "a"}]}),
    "completion": (completion, "CompletionRequest", {"prompt": "a"}),
    "responses": (responses, "ResponsesRequest", {"input": "a"}),
}


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """vLLM's request classes as the plugin leaves them; as they were after the test."""
    for module, name, _ in CLASSES.values():
        request = getattr(module, name)
        monkeypatch.setattr(request, "to_sampling_params", request.to_sampling_params)
    assert sys.modules[chat.__name__] is chat
    assert set(request_fields.install()) == {name for _, name, _ in CLASSES.values()}


def asking(kind: str, **fields: Any) -> Any:
    module: ModuleType
    module, name, least = CLASSES[kind]
    return getattr(module, name)(model="m", **least, **fields)


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize("kind", CLASSES)
def test_own_fields_of_a_request_reach_the_scheduler(kind: str) -> None:
    def read(**fields: Any) -> RequestOptions:
        return options(scheduled(asking(kind, **fields)))

    assert read() == PLAIN
    assert read(tandem_speculation="off") == RequestOptions(off=True)
    assert read(tandem_speculation="on") == PLAIN
    assert read(tandem_max_draft_tokens=2) == RequestOptions(max_draft_tokens=2)
    assert read(tandem_segment="chat", seed_of_nobody=1) == RequestOptions(segment="chat")
    marks = {"tandem_segment": "other", "mine": "kept"}
    both = scheduled(asking(kind, vllm_xargs=marks, tandem_segment="chat"))
    assert both.sampling_params is not None
    assert both.sampling_params.extra_args == {"mine": "kept", "tandem_segment": "chat"}


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize(
    "fields",
    [
        {"tandem_speculation": "never"},
        {"tandem_speculation": False},
        {"tandem_max_draft_tokens": -1},
        {"tandem_max_draft_tokens": "many"},
        {"vllm_xargs": {"tandem_max_draft_tokens": 1.5}},
    ],
)
def test_a_value_that_means_nothing_is_refused(kind: str, fields: dict[str, Any]) -> None:
    with pytest.raises(RequestFieldError, match=r"tandem_.* is .*: give"):
        asking(kind, **fields).to_sampling_params(16, {})


@pytest.mark.usefixtures("reading")
def test_a_request_is_not_changed_by_being_read_twice() -> None:
    request = asking("chat", tandem_segment="chat", n=2)

    first, second = (options(scheduled(request)) for _ in range(2))

    assert first == second == RequestOptions(segment="chat")
    assert request.vllm_xargs is None
