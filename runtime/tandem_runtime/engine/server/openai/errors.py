"""Refusals in OpenAI's form, by HTTP status."""

from __future__ import annotations

from pydantic import ValidationError
from starlette.responses import JSONResponse


class ApiError(Exception):
    """A request that is refused. `param` names the field at fault."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code

    def response(self) -> JSONResponse:
        """The answer to the client; 429 and 503 say when to try again."""
        body = {
            "message": str(self),
            "type": _TYPES.get(self.status, "invalid_request_error"),
            "param": self.param,
            "code": self.code or None,
        }
        again = {"Retry-After": "1"} if self.status in (429, 503) else None
        return JSONResponse({"error": body}, self.status, headers=again)


def from_validation(wrong: ValidationError) -> ApiError:
    """The first finding, with the field that it is about."""
    first = wrong.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return ApiError(400, f"{place or 'the body'}: {first['msg']}", place or None)


_TYPES = {
    401: "authentication_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}
