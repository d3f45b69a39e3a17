"""Log lines: one JSON object a line for machines, plain text for people."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

QUIET = {
    "kopf": logging.CRITICAL,  # each failed request of a watch, which the watch itself tells once
    "aiohttp.access": logging.WARNING,
    "kubernetes": logging.WARNING,
}
"""Libraries that say less here, unless the level is debug."""


FIELDS = "tandem_fields"


def fields(**values: object) -> dict[str, object]:
    """The `extra` of a log call: values that a JSON line carries beside its message."""
    return {FIELDS: values}


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, the call's fields, and a traceback as one string."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {
            name: value
            for name, value in getattr(record, FIELDS, {}).items()
            if name not in line and value is not None
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(level: str, form: Literal["json", "text"]) -> None:
    """Set up the root logger once."""
    handler = logging.StreamHandler(sys.stderr)
    if form == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    if level != "debug":
        for name, least in QUIET.items():
            logging.getLogger(name).setLevel(least)
