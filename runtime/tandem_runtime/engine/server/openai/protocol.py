"""The bodies of OpenAI's completions and chat completions, as far as this engine serves them.

A field that is not served is refused, never ignored: only those that could change no answer
(`user`, `metadata`, `store`) are taken as they are.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

TokenIds = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
Marks = dict[str, str | int | float | bool]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class StreamOptions(_Body):
    """What a stream ends with."""

    include_usage: bool = False


class JsonSchema(_Body):
    """A named schema, as `response_format` carries it."""

    name: str = ""
    description: str | None = None
    schema_: Annotated[dict[str, Any], Field(alias="schema")] = {}
    strict: bool | None = None


class ResponseFormat(_Body):
    """`text`, any JSON object, or JSON of a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None

    @model_validator(mode="after")
    def _has_schema(self) -> Self:
        if self.type == "json_schema" and self.json_schema is None:
            raise ValueError("json_schema is missing")
        return self


class StructuredOutputs(_Body):
    """A constraint in vLLM's words; exactly one of the three."""

    json_: Annotated[dict[str, Any] | None, Field(alias="json")] = None
    regex: str | None = None
    grammar: str | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(given is not None for given in (self.json_, self.regex, self.grammar)) != 1:
            raise ValueError("give exactly one of json, regex and grammar")
        return self


class _Request(_Body):
    """What both interfaces take."""

    model: str | None = None
    n: Annotated[int, Field(ge=1, le=16)] = 1
    stream: bool = False
    stream_options: StreamOptions | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] = []
    ignore_eos: bool = False
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    top_k: Annotated[int, Field(ge=-1)] = 0
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.0
    seed: int | None = None
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] = 0.0
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] = 0.0
    repetition_penalty: Annotated[float, Field(gt=0, le=10)] = 1.0
    response_format: ResponseFormat | None = None
    structured_outputs: StructuredOutputs | None = None
    vllm_xargs: Marks | None = None
    return_token_ids: bool = False
    user: str | None = None
    metadata: dict[str, Any] | None = None
    store: bool | None = None

    @property
    def stops(self) -> list[str]:
        """The texts that end an answer."""
        return [self.stop] if isinstance(self.stop, str) else self.stop or []

    @model_validator(mode="after")
    def _stops_are_few_and_full(self) -> Self:
        if len(self.stops) > 16 or not all(self.stops):
            raise ValueError("stop: at most 16 texts, none of them empty")
        return self


class CompletionRequest(_Request):
    """POST /v1/completions."""

    prompt: (
        str
        | TokenIds
        | Annotated[list[str], Field(min_length=1)]
        | Annotated[list[TokenIds], Field(min_length=1)]
    )
    max_tokens: Annotated[int, Field(ge=1)] | None = 16
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None

    @property
    def prompts(self) -> list[str] | list[list[int]]:
        """The prompts one by one."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        one = isinstance(self.prompt[0], int)
        return cast("list[list[int]]", [self.prompt] if one else self.prompt)


class ContentPart(_Body):
    """A piece of a message; this engine reads text alone."""

    type: Literal["text"]
    text: str


class Message(BaseModel):
    """One turn; further fields are the template's business."""

    model_config = ConfigDict(extra="allow", strict=True)

    role: str
    content: str | list[ContentPart] | None = None

    def for_template(self) -> dict[str, Any]:
        """The message with its content as one text."""
        content = self.content
        if isinstance(content, list):
            content = "".join(part.text for part in content)
        return {**self.model_dump(exclude={"content"}), "content": content or ""}


class ChatRequest(_Request):
    """POST /v1/chat/completions."""

    messages: Annotated[list[Message], Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    logprobs: bool = False
    top_logprobs: Annotated[int, Field(ge=0, le=20)] = 0
    chat_template_kwargs: dict[str, Any] = {}
