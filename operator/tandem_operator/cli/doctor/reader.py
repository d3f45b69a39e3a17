"""Asking the API server for what the checks read. Nothing is written but access reviews."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kubernetes.client.exceptions import ApiException

from tandem_operator.cli.connection import CONNECT_S, READ_S, Cluster
from tandem_operator.cli.doctor.finding import Finding, Level

Object = dict[str, Any]
OLDEST = (1, 29)


class NotAllowedError(Exception):
    """This user may not read there; the text is the API server's."""


class Reader:
    """The cluster as plain objects."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Object | None:
        """The object or list at a path; None where there is none.

        Raises NotAllowedError, and ConnectionProblem for everything else that fails.
        """
        text = self._call("GET", path, query)
        return None if text is None else json.loads(text)

    def text(self, path: str) -> str | None:
        """The same for what is no JSON, as a page of metrics."""
        return self._call("GET", path, None)

    def create(self, path: str, body: Object) -> Object:
        """Ask for a review, which the API server answers and does not keep."""
        answer = self._call("POST", path, None, body)
        return {} if answer is None else json.loads(answer)

    def items(self, path: str, **query: str) -> list[Object]:
        """The items of a list; none where there is no such kind."""
        listed = self.get(path, query) or {}
        items: list[Object] = listed.get("items") or []
        return items

    def server(self) -> Finding:
        """The API server's version. Raises ConnectionProblem where it cannot be reached."""
        version = self.get("/version") or {}
        digits = ["".join(filter(str.isdigit, version.get(key, ""))) for key in ("major", "minor")]
        message = f"Kubernetes {version.get('gitVersion')} at {self.cluster.api.configuration.host}"
        if all(digits) and (int(digits[0]), int(digits[1])) < OLDEST:
            remedy = f"Tandem needs {OLDEST[0]}.{OLDEST[1]} or newer"
            return Finding("API server", Level.WRONG, message, remedy)
        return Finding("API server", Level.OK, message)

    def _call(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Object | None = None
    ) -> str | None:
        api = self.cluster.api
        with self.cluster.translated_errors():
            words = api.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={"Accept": "*/*", "Content-Type": "application/json"},
                body=body,
                auth_settings=["BearerToken"],
            )
            answer = api.call_api(*words, _request_timeout=(CONNECT_S, READ_S))
            data: bytes = answer.read()
            text = data.decode("utf-8", "replace")
            if answer.status == 404:
                return None
            # What a proxied pod or the way to it answers says nothing about the API server.
            if answer.status == 403 or (answer.status >= 400 and "/proxy" in path):
                raise NotAllowedError(_message_of(answer.status, text))
            if not 200 <= answer.status < 300:
                refused = ApiException(status=answer.status, reason=answer.reason)
                refused.body = text
                raise refused
        return text


def _message_of(status: int, text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, TypeError, KeyError):
        return f"{status}: {text[:200]}"
