"""Resources as people read them: a table, then what is not as it should be, with whole messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tandem_operator.api.conditions import ONLY_WHILE_TRUE

Object = dict[str, Any]

_UNITS = (("d", 86_400), ("h", 3600), ("m", 60))
_NAMESPACE = "NAMESPACE"
_COLUMNS = [
    "NAME",
    "READY",
    "REPLICAS",
    "PAIR",
    "METHOD",
    "SPECULATION",
    "K",
    "ACCEPTANCE%",
    "SPEEDUP",
    "AGE",
]
_LEAST = ("METHOD", "AGE", "PAIR", "REPLICAS")
"""Left out of a narrow table, in this order."""
_GAP = 2


@dataclass(frozen=True)
class Concern:
    """A condition that is not as it should be, or that the operator has not observed it."""

    type: str
    status: str
    reason: str
    message: str


def summary(raw: Object) -> Object:
    """What the columns say of a resource, and its concerns; absent where nothing is known yet."""
    status = raw.get("status") or {}
    speculation = status.get("speculation") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    values = {
        "namespace": raw["metadata"]["namespace"],
        "name": raw["metadata"]["name"],
        "ready": conditions.get("Ready", {}).get("status"),
        "readyReplicas": status.get("readyReplicas"),
        "replicas": raw["spec"].get("replicas"),
        "pair": conditions.get("PairCompatible", {}).get("reason"),
        "method": raw["spec"]["speculation"]["method"],
        "speculation": speculation.get("state"),
        "effectiveTokens": speculation.get("effectiveTokens"),
        "acceptanceRatePercent": speculation.get("acceptanceRatePercent"),
        "speedup": speculation.get("speedup"),
        "creationTimestamp": raw["metadata"]["creationTimestamp"],
    }
    return {
        **{key: value for key, value in values.items() if value is not None},
        "concerns": [vars(concern) for concern in concerns_of(raw)],
    }


def concerns_of(raw: Object) -> tuple[Concern, ...]:
    """What somebody should look at, in the order of the conditions.

    A condition that stands only while True is one while it stands; any other while it is not True.
    """
    status = raw.get("status") or {}
    generation, seen = raw["metadata"]["generation"], status.get("observedGeneration", -1)
    concerns = []
    if seen < generation:
        message = (
            "no operator has observed this resource: check that one runs and may see its namespace"
            if seen < 0
            else f"the operator has observed generation {seen}, not yet {generation}"
        )
        concerns.append(Concern("Observed", "False", "NotObserved", message))
    for condition in status.get("conditions") or ():
        expected = "False" if condition["type"] in ONLY_WHILE_TRUE else "True"
        if condition["status"] != expected:
            fields = (
                condition["type"],
                condition["status"],
                condition["reason"],
                condition.get("message", ""),
            )
            concerns.append(Concern(*fields))
    return tuple(concerns)


def view(
    resources: Sequence[Object], now: datetime, with_namespace: bool, width: int
) -> RenderableType:
    """The table, then the concerns of each resource.

    A table wider than `width` columns leaves out what matters least; `-o json` has everything.
    """
    rows = [_cells(summary(raw), now) for raw in resources]
    table = Table(box=None, pad_edge=False, header_style="")
    columns = _that_fit(rows, width, with_namespace)
    for heading in columns:
        table.add_column(heading, overflow="fold")
    lines: list[RenderableType] = [table]
    for raw, row in zip(resources, rows, strict=True):
        table.add_row(*(Text(row[heading]) for heading in columns))
        concerns = concerns_of(raw)
        if not concerns:
            continue
        name = raw["metadata"]["name"]
        full = f"{raw['metadata']['namespace']}/{name}" if with_namespace else name
        lines.append(_line(f"\n{full}:"))
        for concern in concerns:
            head = f"  {concern.type} is {concern.status} ({concern.reason})"
            lines.append(_line(f"{head}: {concern.message}" if concern.message else head))
    return Group(*lines)


def _that_fit(rows: Sequence[dict[str, str]], width: int, with_namespace: bool) -> list[str]:
    columns = [_NAMESPACE] * with_namespace + _COLUMNS
    wide = {each: max([len(each), *(len(row[each]) for row in rows)]) for each in columns}
    for least in _LEAST:
        if sum(wide[each] + _GAP for each in columns) - _GAP <= width:
            break
        columns.remove(least)
    return columns


def _line(text: str) -> Text:
    """Never cut, and wrapped by the terminal alone: what is copied from it is one line."""
    return Text(text, no_wrap=True, overflow="ignore")


def _cells(row: Object, now: datetime) -> dict[str, str]:
    """The text of each column."""
    return {
        _NAMESPACE: row["namespace"],
        "NAME": row["name"],
        "READY": row.get("ready", ""),
        "REPLICAS": f"{row.get('readyReplicas', 0)}/{row.get('replicas', 1)}",
        "PAIR": row.get("pair", ""),
        "METHOD": row["method"],
        "SPECULATION": row.get("speculation", ""),
        "K": str(row.get("effectiveTokens", "")),
        "ACCEPTANCE%": str(row.get("acceptanceRatePercent", "")),
        "SPEEDUP": str(row.get("speedup", "")),
        "AGE": age_of(datetime.fromisoformat(row["creationTimestamp"]), now),
    }


def age_of(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that counts two or more, else in seconds."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length_s in _UNITS:
        if seconds >= 2 * length_s:
            return f"{seconds // length_s}{unit}"
    return f"{seconds}s"
