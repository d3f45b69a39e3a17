"""A trace from a file or standard input, whatever its form.

| form | what it is |
|---|---|
| csv | `arrival_s,input_tokens,output_tokens`, maybe `segment`; `#` begins a comment |
| azure | CSV of the Azure LLM inference traces: `TIMESTAMP,ContextTokens,GeneratedTokens` |
| openai | answers of the OpenAI API, one JSON object a line: `created` and `usage` |
| vllm | log of vLLM with `--enable-log-requests --enable-log-outputs` |

Without a form the first line tells it. A byte order mark is no part of a file.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from tandem_operator.cli.loads import azure, openai, vllm_log
from tandem_operator.cli.loads.timed import Timed, trace_of
from tandem_operator.simulation.world.load.trace import (
    COLUMNS,
    Trace,
    TraceError,
    parse_trace,
)

STANDARD_INPUT = "-"
CSV, AZURE, OPENAI, VLLM = "csv", "azure", "openai", "vllm"
READERS: dict[str, Callable[[str, Iterable[str]], Iterable[Timed]]] = {
    AZURE: azure.requests,
    OPENAI: openai.requests,
    VLLM: vllm_log.requests,
}
FORMS = (CSV, *READERS)


def read(place: str, form: str | None = None) -> Trace:
    """The requests of a file (`-`: standard input). Raises TraceError and OSError."""
    text = _text(place)
    lines = text.splitlines()
    chosen = form or form_of(place, lines)
    if chosen == CSV:
        return parse_trace(place, io.StringIO(text))
    return trace_of(place, READERS[chosen](place, lines))


def form_of(place: str, lines: Iterable[str]) -> str:
    """The form, by the first line that says something. Raises TraceError."""
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    names = [name.strip().strip('"') for name in first.split(",")]
    if azure.TIME in names:
        return AZURE
    if first.lstrip().startswith("{"):
        return OPENAI
    if any(vllm_log.is_line(line) for line in lines):
        return VLLM
    if not first or len(names) > 1:
        return CSV
    raise TraceError(
        f"{place}: neither CSV with {', '.join(COLUMNS)}, nor a trace of Azure, nor answers of the "
        f"OpenAI API, nor a log of vLLM: its first line is {first[:60]!r}"
    )


def _text(place: str) -> str:
    content = sys.stdin.buffer.read() if place == STANDARD_INPUT else Path(place).read_bytes()
    try:
        # utf-8-sig takes a byte order mark away, which spreadsheets write.
        return content.decode(
            "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        )
    except UnicodeDecodeError as problem:
        raise TraceError(f"{place}: no CSV and no log in UTF-8: {problem}") from problem
