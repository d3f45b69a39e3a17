"""One metrics page of an engine, as samples by name.

A page of a serving engine is long and little of it matters: lines of other series are dropped by
their beginning, and buckets, which nobody reads here. What is left is read line by line, by the
grammar of the text format 0.0.4; a test holds it against prometheus_client, which takes many times
as long because it builds families first.
"""

from __future__ import annotations

import re

from tandem_operator.engines.metrics.page import Labels, Page

LARGEST_PAGE_BYTES = 16 * 1024 * 1024

BUCKET = "_bucket{"
ONE_LABEL = r'[a-zA-Z_]\w*\s*=\s*"(?:[^"\\]|\\.)*"'
SAMPLE = re.compile(
    r"([a-zA-Z_:][\w:]*)[ \t]*"
    rf"(?:\{{\s*((?:{ONE_LABEL}\s*,\s*)*(?:{ONE_LABEL})?)\s*\}})?"
    r"[ \t]*(\S+)(?:[ \t]+-?\d+)?[ \t\r]*"
)
LABEL = re.compile(r'([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"')
ESCAPE = re.compile(r"\\(.)")
ESCAPED = {"n": "\n", "\\": "\\", '"': '"'}


class MalformedPageError(Exception):
    """The answer is not a page of metrics; the message says what it is instead."""


def parse(text: str, prefixes: tuple[str, ...]) -> Page:
    """The samples whose names begin with one of `prefixes`, but for those of histogram buckets.

    Full names will do as well: a driver's `names` are all that it reads.

    Raises:
        MalformedPageError: HTML, binary, or lines that are no samples.
    """
    if text[:256].lstrip().startswith(("<", "{")):
        raise MalformedPageError(f"not a metrics page; it begins with {text.lstrip()[:40]!r}")
    samples: dict[str, list[tuple[Labels, float]]] = {}
    # Most samples of a page have the same labels.
    read: dict[str, Labels] = {"": {}}
    # Five lines of six are buckets: they go first, and by a comprehension.
    for line in [
        line
        for line in text.split("\n")
        if BUCKET not in line and line.startswith(prefixes) and line[:1] not in ("", "#")
    ]:
        match = SAMPLE.fullmatch(line)
        if match is None:
            raise MalformedPageError(f"not a metrics page: no sample is {line[:80]!r}")
        name, labels, value = match.groups("")
        try:
            number = float(value)
        except ValueError as error:
            raise MalformedPageError(f"not a metrics page: no value in {line[:80]!r}") from error
        if labels not in read:
            read[labels] = _labels(labels)
        samples.setdefault(name, []).append((read[labels], number))
    return Page({name: tuple(samples_of_name) for name, samples_of_name in samples.items()})


def _labels(text: str) -> dict[str, str]:
    return {
        name: ESCAPE.sub(lambda match: ESCAPED.get(match[1], match[0]), value)
        if "\\" in value
        else value
        for name, value in LABEL.findall(text)
    }
