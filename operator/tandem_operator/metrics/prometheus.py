"""Reading replicas through Prometheus, where the operator cannot reach pods itself.

Raw samples of one scrape, never `rate` or `increase`: those extrapolate each series by itself, and
the identities between counters of one moment no longer hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import requests
from prometheus_api_client import PrometheusApiClientException, PrometheusConnect
from urllib3.util.retry import Retry

from tandem_operator.engines.metrics.page import Page
from tandem_operator.engines.metrics.reader import MetricsReader
from tandem_operator.engines.metrics.sample import EngineSample, SeriesMissingError
from tandem_operator.metrics.replicas import Replica
from tandem_operator.metrics.scrape import MalformedError, UnreachableError

TIMEOUT_S = 5
LOOK_BACK = "60s"
PLUGIN_PREFIX = "tandem"

RawSeries = dict[str, Any]
Outcome = EngineSample | UnreachableError | MalformedError


class PrometheusReader:
    """One query for all replicas of a resource. The client blocks, so it runs in a thread."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = PrometheusConnect(url=url, retry=Retry(total=0), timeout=TIMEOUT_S)

    async def read(
        self, namespace: str, replicas: tuple[Replica, ...], reader: MetricsReader
    ) -> dict[str, Outcome]:
        """By pod name: the newest scrape of the last minute, or what went wrong with it."""
        query = selector(namespace, (replica.pod for replica in replicas), reader)
        try:
            found = await asyncio.to_thread(self._client.custom_query, query)
        except (requests.RequestException, PrometheusApiClientException, ValueError) as error:
            lost = UnreachableError(f"Prometheus at {self._url}: {error}")
            return {replica.pod: lost for replica in replicas}
        by_pod: dict[str, list[RawSeries]] = {}
        for one in found:
            by_pod.setdefault(one["metric"].get("pod", ""), []).append(one)
        return {
            replica.pod: _outcome(replica.pod, by_pod.get(replica.pod, []), reader)
            for replica in replicas
        }


def selector(namespace: str, pods: Iterable[str], reader: MetricsReader) -> str:
    """The query: a fixed form whose label values are names of Kubernetes objects, escaped."""
    prefixes = "|".join(
        sorted({prefix.rstrip(":_") for prefix in (*reader.prefixes, PLUGIN_PREFIX)})
    )
    wanted = "|".join(_quoted(pod) for pod in pods)
    return (
        f'{{__name__=~"(?:{prefixes})[:_].+",__name__!~".+_bucket",'
        f'namespace="{_quoted(namespace)}",pod=~"{wanted}"}}[{LOOK_BACK}]'
    )


def _quoted(name: str) -> str:
    if not all(character.isalnum() or character in "-." for character in name):
        raise ValueError(f"{name!r} is no name of a Kubernetes object")
    return name.replace(".", "\\\\.")


def _outcome(pod: str, found: list[RawSeries], reader: MetricsReader) -> Outcome:
    newest = max(
        (float(at) for one in found for at, _ in one["values"]),
        default=None,
    )
    if newest is None:
        return UnreachableError(f"{pod}: Prometheus has no sample of the last {LOOK_BACK}")
    samples: dict[str, list[tuple[dict[str, str], float]]] = {}
    for one in found:
        value = next((v for at, v in reversed(one["values"]) if float(at) == newest), None)
        if value is None:
            continue
        labels = dict(one["metric"])
        name = labels.pop("__name__", "")
        if name.startswith(f"{PLUGIN_PREFIX}_"):
            name = f"{PLUGIN_PREFIX}:{name.removeprefix(f'{PLUGIN_PREFIX}_')}"
        samples.setdefault(name, []).append((labels, float(value)))
    page = Page({name: tuple(held) for name, held in samples.items()})
    try:
        return reader.read(page, newest)
    except (SeriesMissingError, KeyError, ValueError) as error:
        return MalformedError(f"{pod}: {error}")
