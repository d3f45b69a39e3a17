"""Reading replicas through Prometheus, where the operator cannot reach pods itself.

Raw samples of one scrape, never `rate` or `increase`: those extrapolate each series by itself, and
the identities between counters of one moment no longer hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from prometheus_api_client import PrometheusApiClientException, PrometheusConnect
from urllib3.util.retry import Retry

from tandem_operator.engines.metrics.page import Page
from tandem_operator.engines.metrics.reader import MetricsReader
from tandem_operator.engines.metrics.sample import SeriesMissingError
from tandem_operator.metrics.replicas import Replica
from tandem_operator.metrics.scrape import MalformedError, Outcome, UnreachableError

TIMEOUT_S = 5
LOOKBACK = "60s"
PLUGIN_PREFIX = "tandem"
TENANT_HEADER = "X-Scope-OrgID"

RawSeries = dict[str, Any]


class PrometheusReader:
    """One query for all replicas of a resource. The client blocks, so it runs in a thread.

    Args:
        ca_file: PEM authorities that the server's certificate is checked against.
        token_file: a bearer token, read again for each request, for whoever gives it renews it.
        headers: sent with each request.
        tenant: whose series are read where several share the server (`X-Scope-OrgID`).

    A redirect is refused: the token is for the server that the administrator named.
    """

    def __init__(
        self,
        url: str,
        *,
        ca_file: str | None = None,
        token_file: str | None = None,
        headers: Mapping[str, str] | None = None,
        tenant: str | None = None,
    ) -> None:
        parts = urlsplit(url)
        self._shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        session = requests.Session()
        session.max_redirects = 0
        session.verify = ca_file or True
        self._client = PrometheusConnect(
            url=url.rstrip("/"),
            headers={**(headers or {}), **({TENANT_HEADER: tenant} if tenant else {})},
            auth=None if token_file is None else _BearerToken(Path(token_file)),
            retry=Retry(total=0),
            session=session,
            timeout=TIMEOUT_S,
        )

    async def read(
        self, namespace: str, replicas: tuple[Replica, ...], reader: MetricsReader
    ) -> dict[str, Outcome]:
        """By pod name: the newest scrape of the last minute, or what went wrong with it."""
        query = selector(namespace, (replica.pod for replica in replicas), reader)
        try:
            series = await asyncio.to_thread(self._client.custom_query, query)
        except requests.TooManyRedirects:
            return self._lost(replicas, "it redirects, and redirects are not followed")
        except (
            requests.RequestException,
            PrometheusApiClientException,
            OSError,
            ValueError,
        ) as error:
            return self._lost(replicas, error)
        by_pod: dict[str, list[RawSeries]] = {}
        for one in series:
            by_pod.setdefault(one["metric"].get("pod", ""), []).append(one)
        return {
            replica.pod: _outcome(replica.pod, by_pod.get(replica.pod, []), reader)
            for replica in replicas
        }

    def _lost(self, replicas: tuple[Replica, ...], why: object) -> dict[str, Outcome]:
        lost = UnreachableError(f"Prometheus at {self._shown}: {why}")
        return {replica.pod: lost for replica in replicas}


class _BearerToken(requests.auth.AuthBase):
    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = self._file.read_text(encoding="ascii").strip()
        request.headers["Authorization"] = f"Bearer {token}"
        return request


def selector(namespace: str, pods: Iterable[str], reader: MetricsReader) -> str:
    """The query: a fixed form whose label values are names of Kubernetes objects, escaped."""
    prefixes = "|".join(
        sorted({prefix.rstrip(":_") for prefix in (*reader.prefixes, PLUGIN_PREFIX)})
    )
    wanted = "|".join(_quoted(pod) for pod in pods)
    return (
        f'{{__name__=~"(?:{prefixes})[:_].+",__name__!~".+_bucket",'
        f'namespace="{_quoted(namespace)}",pod=~"{wanted}"}}[{LOOKBACK}]'
    )


def _quoted(name: str) -> str:
    if not all(character.isalnum() or character in "-." for character in name):
        raise ValueError(f"{name!r} is no name of a Kubernetes object")
    return name.replace(".", "\\\\.")


def _outcome(pod: str, series: list[RawSeries], reader: MetricsReader) -> Outcome:
    newest = max(
        (float(at) for one in series for at, _ in one["values"]),
        default=None,
    )
    if newest is None:
        return UnreachableError(f"{pod}: Prometheus has no sample of the last {LOOKBACK}")
    samples: dict[str, list[tuple[dict[str, str], float]]] = {}
    for one in series:
        value = next((v for at, v in reversed(one["values"]) if float(at) == newest), None)
        if value is None:
            continue
        labels = dict(one["metric"])
        name = labels.pop("__name__", "")
        if name.startswith(f"{PLUGIN_PREFIX}_"):
            name = f"{PLUGIN_PREFIX}:{name.removeprefix(f'{PLUGIN_PREFIX}_')}"
        samples.setdefault(name, []).append((labels, float(value)))
    page = Page({name: tuple(samples_of_name) for name, samples_of_name in samples.items()})
    try:
        return reader.read(page, newest)
    except (SeriesMissingError, KeyError, ValueError) as error:
        return MalformedError(f"{pod}: {error}")
