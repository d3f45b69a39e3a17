"""vLLM's own log of requests and answers.

Started with `--enable-log-requests --enable-log-outputs`, without `--max-log-len` (which cuts the
lists that are counted here) and, from the releases on that log prompts in detail alone, with
`VLLM_LOGGING_LEVEL=DEBUG`. A prompt's tokens are counted in `prompt_token_ids`, an answer's in
`output_token_ids`; of a stream its parts are added up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from tandem_operator.cli.loads.timed import Timed
from tandem_operator.simulation.world.load.trace import TraceError

_HEAD = re.compile(r"\b(?:DEBUG|INFO) (?:(\d{4})-)?(\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)?")
_ASKED = re.compile(r"Received request ([^\s:]+):|Request ([^\s:]+) details:")
_ANSWERED = re.compile(
    r"Generated response (\S+?)( \(streaming (?:delta|complete)\))?(?: details)?:"
)
_PROMPT_IDS = re.compile(r"prompt_token_ids: \[([^\]]*)\]")
_OUTPUT_IDS = re.compile(r"output_token_ids: [\[(]([^\])]*)[\])]")
LEAP_YEAR = 2024
"""Of logs whose times have no year: the one that has every day."""


@dataclass
class _Request:
    at_s: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0


def is_line(line: str) -> bool:
    """Whether vLLM wrote this line of a request."""
    return bool(_HEAD.search(line) and (_ASKED.search(line) or _ANSWERED.search(line)))


def requests(place: str, lines: Iterable[str]) -> Iterator[Timed]:
    """The requests whose prompt and answer are logged. Raises TraceError where none has both."""
    by_id: dict[str, _Request] = {}
    for line in lines:
        head = _HEAD.search(line)
        asked, answered = _ASKED.search(line), _ANSWERED.search(line)
        if asked and head:
            one = by_id.setdefault(asked[1] or asked[2], _Request())
            one.at_s = _seconds(head) if one.at_s is None else one.at_s
            one.input_tokens = max(one.input_tokens, _count(_PROMPT_IDS, line))
        elif answered:
            one = by_id.setdefault(answered[1], _Request())
            # A stream that is complete says all of it once more, or nothing.
            counted = _count(_OUTPUT_IDS, line)
            delta = "delta" in (answered[2] or "")
            one.output_tokens = (
                one.output_tokens + counted if delta else max(one.output_tokens, counted)
            )
    whole = [one for one in by_id.values() if one.at_s is not None]
    if whole and not any(one.input_tokens and one.output_tokens for one in whole):
        raise TraceError(
            f"{place}: {len(whole)} requests, none with prompt_token_ids and output_token_ids: "
            "log with --enable-log-requests --enable-log-outputs and VLLM_LOGGING_LEVEL=DEBUG"
        )
    for one in whole:
        yield Timed(one.at_s or 0.0, one.input_tokens, one.output_tokens)


def _seconds(head: re.Match[str]) -> float:
    text = f"{head[1] or LEAP_YEAR}-{head[2]}"
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return moment.timestamp() + float(head[3] or 0)


def _count(form: re.Pattern[str], line: str) -> int:
    match = form.search(line)
    return sum(1 for each in match[1].split(",") if each.strip()) if match else 0
