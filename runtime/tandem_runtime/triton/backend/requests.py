"""From the inputs and parameters of a Triton request to the body that the torch engine judges.

An option is an input of the model, a parameter of the request, or a member of the JSON text
`sampling_parameters`; an input goes before a parameter, a parameter before `sampling_parameters`.
Names are those of OpenAI's completions, with Triton's `text_input` for the prompt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tandem_runtime.engine.server.openai.errors import ApiError, from_validation
from tandem_runtime.engine.server.openai.protocol import CompletionRequest
from tandem_runtime.plugin.depth import request_options
from tandem_runtime.plugin.depth.request_options import RequestFieldError

PROMPT = "text_input"
PROMPT_ALIAS = "prompt"
NUM_DRAFT_TOKENS = "num_draft_tokens"
SAMPLING_PARAMETERS = "sampling_parameters"
ECHO = "exclude_input_in_output"

OPTIONS = {
    "max_tokens": "TYPE_INT32",
    "temperature": "TYPE_FP32",
    "top_p": "TYPE_FP32",
    "top_k": "TYPE_INT32",
    "min_p": "TYPE_FP32",
    "seed": "TYPE_INT64",
    "presence_penalty": "TYPE_FP32",
    "frequency_penalty": "TYPE_FP32",
    "repetition_penalty": "TYPE_FP32",
    "ignore_eos": "TYPE_BOOL",
    "stream": "TYPE_BOOL",
    NUM_DRAFT_TOKENS: "TYPE_INT32",
    SAMPLING_PARAMETERS: "TYPE_STRING",
}
"""Optional inputs of one element, by their type in the model's configuration."""
LISTS = {"stop": "TYPE_STRING", "stop_token_ids": "TYPE_INT32"}
"""Optional inputs of any number of elements."""
_MARKS = (request_options.SPECULATION, request_options.SEGMENT, request_options.MAX_DRAFT_TOKENS)
_REFUSED = {"n": "one answer a request", "logprobs": "no log-probabilities"}


@dataclass(frozen=True)
class Asked:
    """One judged request."""

    body: CompletionRequest
    prompt: str


def read(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Asked:
    """The request in these values, as Python's own numbers, texts and lists. Raises ApiError."""
    given = {**_sampling(inputs, parameters), **parameters, **inputs}
    given.pop(SAMPLING_PARAMETERS, None)
    prompts = [given.pop(name) for name in (PROMPT, PROMPT_ALIAS) if name in given]
    if len(prompts) != 1 or not isinstance(prompts[0], str):
        raise ApiError(400, f"give one text as {PROMPT} (or {PROMPT_ALIAS})", PROMPT)
    for name, why in _REFUSED.items():
        if name in given:
            raise ApiError(400, f"{name}: this model gives {why}; leave it out", name)
    if given.pop(ECHO, True) is not True:
        raise ApiError(400, f"{ECHO}: the prompt is never part of the answer; leave it out", ECHO)
    marks = dict(given.pop("vllm_xargs", None) or {})
    marks |= {name: given.pop(name) for name in _MARKS if name in given}
    if NUM_DRAFT_TOKENS in given:
        marks[request_options.MAX_DRAFT_TOKENS] = _draft_tokens(given.pop(NUM_DRAFT_TOKENS))
    try:
        request_options.check(marks)
        body = CompletionRequest.model_validate(
            {**given, "prompt": prompts[0], "vllm_xargs": marks or None}
        )
    except RequestFieldError as wrong:
        raise ApiError(400, str(wrong), "vllm_xargs") from wrong
    except ValidationError as wrong:
        raise from_validation(wrong) from wrong
    return Asked(body, prompts[0])


def _sampling(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    text = inputs.get(SAMPLING_PARAMETERS, parameters.get(SAMPLING_PARAMETERS))
    if text is None or text == "":
        return {}
    try:
        decoded = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ApiError(
            400, f"{SAMPLING_PARAMETERS} is not JSON: {error}", SAMPLING_PARAMETERS
        ) from error
    if not isinstance(decoded, dict):
        raise ApiError(400, f"{SAMPLING_PARAMETERS} is no JSON object", SAMPLING_PARAMETERS)
    return decoded


def _draft_tokens(value: Any) -> Any:
    try:
        request_options.check({request_options.MAX_DRAFT_TOKENS: value})
    except RequestFieldError as wrong:
        raise ApiError(
            400,
            str(wrong).replace(request_options.MAX_DRAFT_TOKENS, NUM_DRAFT_TOKENS, 1),
            NUM_DRAFT_TOKENS,
        ) from wrong
    return value
