"""Marks requests with tools in the API process, because the scheduler sees no tools.

A tool call that is forced is structured output and needs no mark; with `auto` and strict tools the
text is only constrained once the model has chosen to call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from tandem_runtime.plugin.request_options import CONSTRAINED

_REQUESTS = (
    ("vllm.entrypoints.openai.chat_completion.protocol", "ChatCompletionRequest"),
    ("vllm.entrypoints.openai.protocol", "ChatCompletionRequest"),
    ("vllm.entrypoints.openai.responses.protocol", "ResponsesRequest"),
)
"""Where vLLM keeps its request classes; older versions have the second instead of the first."""
_MARK = "_tandem_marks"


def has_tools(request: Any) -> bool:
    """Whether the model may call a tool in this request."""
    return bool(getattr(request, "tools", None)) and getattr(request, "tool_choice", None) != "none"


def install() -> list[str]:
    """Wrap vLLM's request classes; the names of those wrapped, also when they were already.

    Only classes that are loaded: of vLLM's processes the API server alone has them.
    """
    wrapped = []
    for module, name in _REQUESTS:
        request = getattr(sys.modules.get(module), name, None)
        if request is None or not hasattr(request, "to_sampling_params"):
            continue
        if not getattr(request.to_sampling_params, _MARK, False):
            request.to_sampling_params = marking(request.to_sampling_params)
        wrapped.append(name)
    return wrapped


def marking(original: Callable[..., Any]) -> Callable[..., Any]:
    """`to_sampling_params`, whose parameters carry the mark when the request has tools."""

    @wraps(original)
    def to_sampling_params(self: Any, *arguments: Any, **options: Any) -> Any:
        parameters = original(self, *arguments, **options)
        if has_tools(self):
            parameters.extra_args = {**(parameters.extra_args or {}), CONSTRAINED: True}
        return parameters

    setattr(to_sampling_params, _MARK, True)
    return to_sampling_params
