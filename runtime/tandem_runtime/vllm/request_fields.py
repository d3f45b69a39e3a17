"""Reads a request's own fields for Tandem in the API process, because the scheduler sees no body.

vLLM takes unknown fields of an OpenAI body and ignores them. Ours are put where `vllm_xargs` goes,
which reaches the scheduler. Whether a request is constrained needs no mark: whatever vLLM masks
(`response_format`, `structured_outputs`, forced or strict tools), the scheduler sees as structured
output.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from tandem_runtime.plugin.depth.request_options import MARKS, check

_REQUESTS = (
    ("vllm.entrypoints.openai.chat_completion.protocol", "ChatCompletionRequest"),
    ("vllm.entrypoints.openai.completion.protocol", "CompletionRequest"),
    ("vllm.entrypoints.openai.responses.protocol", "ResponsesRequest"),
    ("vllm.entrypoints.openai.protocol", "ChatCompletionRequest"),
    ("vllm.entrypoints.openai.protocol", "CompletionRequest"),
    ("vllm.entrypoints.openai.protocol", "ResponsesRequest"),
)
"""Where vLLM keeps its request classes; older versions have all of them in one module."""
_READ = "_tandem_reads"


def fields_of(request: Any) -> dict[str, Any]:
    """Our fields of a request's body. Raises RequestFieldError for a value that means nothing.

    The same names inside `vllm_xargs` are held to the same values, and a field goes before them.
    """
    extra = getattr(request, "model_extra", None) or {}
    fields = {name: extra[name] for name in MARKS if name in extra}
    check({**(getattr(request, "vllm_xargs", None) or {}), **fields})
    return fields


def install() -> list[str]:
    """Wrap vLLM's request classes; the names of those wrapped, also when they were already.

    Only classes that are loaded: of vLLM's processes the API server alone has them.
    """
    wrapped = []
    for module, name in _REQUESTS:
        request = getattr(sys.modules.get(module), name, None)
        if request is None or not hasattr(request, "to_sampling_params"):
            continue
        if not getattr(request.to_sampling_params, _READ, False):
            request.to_sampling_params = with_fields(request.to_sampling_params)
        wrapped.append(name)
    return wrapped


def with_fields(original: Callable[..., Any]) -> Callable[..., Any]:
    """`to_sampling_params`, whose parameters carry our fields of the request."""

    @wraps(original)
    def to_sampling_params(self: Any, *arguments: Any, **options: Any) -> Any:
        fields = fields_of(self)
        parameters = original(self, *arguments, **options)
        if fields:
            parameters.extra_args = {**(parameters.extra_args or {}), **fields}
        return parameters

    setattr(to_sampling_params, _READ, True)
    return to_sampling_params
