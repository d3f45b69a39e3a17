"""The load that a Prometheus remembers of running engines, as a trace of one replica.

Counters say how many requests came and how many tokens went in and out in each stretch of time,
histograms how lengths were spread over all of it. Requests are drawn from these: as many in each
stretch as were counted, at random moments in it, with lengths of the histogram scaled to the mean
of the stretch. So the load is the one that was, and single requests are not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import requests
from prometheus_api_client import PrometheusApiClientException, PrometheusConnect
from urllib3.util.retry import Retry

from tandem_operator.engines.vllm.series import PREFIXES
from tandem_operator.simulation.world.load.trace import (
    MAX_REQUESTS,
    Arrival,
    Trace,
    TraceError,
)

TIMEOUT_S = 60
STRETCHES = 240
"""Of the range, at most; none is shorter than a minute, which holds some scrapes."""
SHORTEST_S = 60
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_RANGE = re.compile(r"(\d+)([smhdw])")
_SELECTOR = re.compile(r'\s*[a-zA-Z_]\w*\s*(=|!=|=~|!~)\s*"(\\.|[^"\\])*"\s*')

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Server:
    """Where Prometheus answers, and how to be let in. `selector` are matchers: `namespace="x"`."""

    url: str
    selector: str = ""
    ca_file: Path | None = None
    token_file: Path | None = None


def range_of(text: str) -> float:
    """Seconds of a range as Prometheus writes it: `24h`, `1h30m`. Raises ValueError."""
    parts = _RANGE.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no range of time: give one as 24h, 90m or 7d")
    return float(sum(int(number) * _UNITS[unit] for number, unit in parts))


def read(server: Server, range_s: float, end: datetime, seed: int) -> Trace:
    """The load of the range that ends at `end`, for one of the replicas. Raises TraceError."""
    step_s = max(SHORTEST_S, math.ceil(range_s / STRETCHES))
    ask = _asker(server, range_s, step_s, end)
    window = f"[{step_s}s]"

    def increase(name: str) -> dict[float, float]:
        return ask(f"sum(increase({_any(name, server)}{window}))")

    came = increase("time_to_first_token_seconds_count")
    if not any(came.values()):
        raise TraceError(
            f"{server.url}: no request in this range: are engines of vLLM scraped there, and does "
            f"the selector {{{server.selector}}} name them?"
        )
    prompts, answers = increase("prompt_tokens_total"), increase("generation_tokens_total")
    replicas = ask(f"count(count by (instance) ({_any('num_requests_running', server)}))")
    spreads = [
        _spread(ask, _any(name, server), range_s)
        for name in ("request_prompt_tokens_bucket", "request_generation_tokens_bucket")
    ]
    rng = np.random.default_rng([seed, 24])
    arrivals: list[Arrival] = []
    begun_s = end.timestamp() - range_s
    for at_s, requests_s in sorted(came.items()):
        share = requests_s / max(1.0, replicas.get(at_s, 1.0))
        count = int(share + rng.random())
        if not count:
            continue
        if len(arrivals) + count > MAX_REQUESTS:
            raise TraceError(f"{server.url}: more than {MAX_REQUESTS} requests: shorten --range")
        moments = np.sort(at_s - begun_s - step_s * rng.random(count))
        lengths = [
            _lengths(spread, tokens.get(at_s, 0.0) / requests_s, count, rng)
            for spread, tokens in zip(spreads, (prompts, answers), strict=True)
        ]
        arrivals += [
            Arrival(max(0.0, float(moment)), int(input_tokens), int(output_tokens))
            for moment, input_tokens, output_tokens in zip(moments, *lengths, strict=True)
        ]
    if not arrivals:
        raise TraceError(f"{server.url}: less than one request a replica in this range")
    return Trace(f"{server.url}, {range_s / 3600:g} h", tuple(arrivals))


def _any(name: str, server: Server) -> str:
    """A selector of the series in each spelling that occurs."""
    names = "|".join(f"{prefix}{name}" for prefix in PREFIXES)
    matchers = [f'__name__=~"{names}"', *([server.selector] if server.selector else [])]
    return "{" + ",".join(matchers) + "}"


_NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
)


def _reason(failure: requests.RequestException) -> str:
    """The innermost cause, without the query that was sent."""
    text = " ".join(str(failure).split())
    return text.rpartition(": ")[2].rstrip("\"')")


Ask = Callable[..., dict[float, float]]


def _asker(server: Server, range_s: float, step_s: int, end: datetime) -> Ask:
    session = requests.Session()
    session.max_redirects = 0
    if server.ca_file is not None:
        session.verify = str(server.ca_file)
    headers = {}
    if server.token_file is not None:
        headers["Authorization"] = f"Bearer {server.token_file.read_text().strip()}"
    client = PrometheusConnect(
        url=server.url, headers=headers, session=session, retry=Retry(total=0), timeout=TIMEOUT_S
    )
    start = end - timedelta(seconds=range_s - step_s)

    def ask(query: str, *, by: str | None = None) -> dict[float, float]:
        """Values by time; with `by`, at the end of the range by that label."""
        try:
            if by is None:
                answer = client.custom_query_range(query, start, end, str(step_s))
                pairs = [pair for one in answer for pair in one["values"]]
            else:
                now = client.custom_query(query, params={"time": end.timestamp()})
                pairs = [(one["metric"].get(by, "nan"), one["value"][1]) for one in now]
        except _NO_ADDRESS as problem:
            raise TraceError(
                f"--prometheus is {server.url}: give an address, as http://host:9090"
            ) from problem
        except requests.RequestException as problem:
            raise TraceError(
                f"Prometheus at {server.url} does not answer ({_reason(problem)}): "
                "check that it runs and that the address is right"
            ) from problem
        except PrometheusApiClientException as problem:
            raise TraceError(f"Prometheus at {server.url}: {problem}") from problem
        except (ValueError, KeyError, TypeError, IndexError) as problem:
            raise TraceError(f"{server.url} answers, but not as a Prometheus does") from problem
        values = ((float(key), float(value)) for key, value in pairs)
        return {key: value for key, value in values if not math.isnan(key) and value >= 0}

    return ask


def _spread(ask: Ask, series: str, range_s: float) -> tuple[Floats, Floats]:
    """Edges of the histogram's buckets and the share of each; one bucket where there is none."""
    counts = ask(f"sum by (le) (increase({series}[{int(range_s)}s]))", by="le")
    edges = sorted(edge for edge in counts if math.isfinite(edge))
    shares = np.diff([0.0, *(counts[edge] for edge in edges)])
    if not edges or shares.sum() <= 0:
        return np.array([1.0, 1.0]), np.array([1.0])
    return np.array([1.0, *np.maximum(edges, 1.0)]), np.maximum(shares, 0) / shares.clip(0).sum()


def _lengths(
    spread: tuple[Floats, Floats], mean: float, count: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Lengths drawn from the histogram, then scaled so that `mean` comes out over many."""
    edges, shares = spread
    place = rng.choice(len(shares), count, p=shares)
    low, high = edges[place], np.maximum(edges[place + 1], edges[place])
    drawn = low + (high - low) * rng.random(count)
    middle = float(((edges[:-1] + np.maximum(edges[1:], edges[:-1])) / 2) @ shares)
    scaled = drawn * (mean / middle if mean > 0 else 1.0)
    return np.maximum(1, np.rint(scaled)).astype(np.int64)


def selector_of(text: str) -> str:
    """Matchers as they are written between braces. Raises ValueError for anything else."""
    rest = text.strip().removeprefix("{").removesuffix("}").strip()
    at = 0
    while at < len(rest):
        match = _SELECTOR.match(rest, at)
        if match is None:
            break
        if rest[match.end() : match.end() + 1] not in ("", ","):
            break
        at = match.end() + 1
    if at < len(rest):
        raise ValueError(f'{text!r} are no matchers: give them as namespace="serving",pod=~"a.*"')
    return rest.rstrip(", ")


def option(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """The parser of an option, whose ValueError argparse tells in our words."""
    import argparse

    def parsed(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as problem:
            raise argparse.ArgumentTypeError(str(problem)) from problem

    return parsed
