"""Values of requests and responses as Triton's tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import triton_python_backend_utils as triton

from tandem_runtime.engine.server.openai.errors import ApiError
from tandem_runtime.triton.backend.requests import LISTS
from tandem_runtime.triton.repository import OUTPUTS

_DTYPES = {"TYPE_STRING": np.object_, "TYPE_INT32": np.int32}
_CODES = {400: "INVALID_ARG", 403: "INVALID_ARG", 413: "INVALID_ARG", 429: "UNAVAILABLE",
          499: "CANCELLED", 503: "UNAVAILABLE"}  # fmt: skip


def value(tensor: Any) -> Any:
    """The one element of an input, or its list, as Python's own. Raises ValueError."""
    elements = [
        element.decode() if isinstance(element, bytes) else element
        for element in tensor.as_numpy().reshape(-1).tolist()
    ]
    if tensor.name() in LISTS:
        return elements
    if len(elements) != 1:
        raise ValueError(f"{tensor.name()} has {len(elements)} elements; give one")
    return elements[0]


def send(sender: Any, response: dict[str, Any], last: bool) -> None:
    """One response with these outputs."""
    made = triton.InferenceResponse(
        [triton.Tensor(name, _array(name, value)) for name, value in response.items()]
    )
    sender.send(made, flags=triton.TRITONSERVER_RESPONSE_COMPLETE_FINAL if last else 0)


def refuse(sender: Any, error: ApiError) -> None:
    """The last response of a request that is refused or has failed."""
    code = getattr(triton.TritonError, _CODES.get(error.status, "INTERNAL"))
    where = f"{error.param}: " if error.param and error.param not in str(error) else ""
    made = triton.InferenceResponse(error=triton.TritonError(f"{where}{error}", code))
    sender.send(made, flags=triton.TRITONSERVER_RESPONSE_COMPLETE_FINAL)


def _array(name: str, value: Any) -> Any:
    kind, _ = OUTPUTS[name]
    values = value if isinstance(value, list) else [value]
    encoded = [each.encode() if isinstance(each, str) else each for each in values]
    return np.array(encoded, dtype=_DTYPES[kind])
