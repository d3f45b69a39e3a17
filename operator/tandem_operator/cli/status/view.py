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
_COLUMNS = (
    "NAME READY REPLICAS PAIR METHOD SPECULATION K ACCEPTANCE% SPEEDUP AGE".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Concern:
    """A condition that is not as it should be, or that the operator has not looked."""

    type: str
    status: str
    reason: str
    message: str


def summary(raw: Object) -> Object:
    """What the columns say of a resource, and its concerns; absent where nothing is known yet."""
    status = raw.get("status") or {}
    speculation = status.get("speculation") or {}
    held = {each["type"]: each for each in status.get("conditions") or ()}
    values = {
        "namespace": raw["metadata"]["namespace"],
        "name": raw["metadata"]["name"],
        "ready": held.get("Ready", {}).get("status"),
        "readyReplicas": status.get("readyReplicas"),
        "replicas": raw["spec"].get("replicas"),
        "pair": held.get("PairCompatible", {}).get("reason"),
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
    found = []
    if seen < generation:
        message = (
            "no operator has looked at this resource: check that one runs and may see its namespace"
            if seen < 0
            else f"the operator has looked at generation {seen}, not yet at {generation}"
        )
        found.append(Concern("Observed", "False", "NotObserved", message))
    for held in status.get("conditions") or ():
        expected = "False" if held["type"] in ONLY_WHILE_TRUE else "True"
        if held["status"] != expected:
            said = (held["type"], held["status"], held["reason"], held.get("message", ""))
            found.append(Concern(*said))
    return tuple(found)


def view(found: Sequence[Object], now: datetime, with_namespace: bool) -> RenderableType:
    """The table, then the concerns of each resource."""
    table = Table(box=None, pad_edge=False, header_style="")
    for heading in (("NAMESPACE",) if with_namespace else ()) + tuple(_COLUMNS):
        table.add_column(heading)
    lines: list[RenderableType] = [table]
    for raw in found:
        table.add_row(*map(Text, _cells(summary(raw), now, with_namespace)))
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


def _line(text: str) -> Text:
    """Never cut, and wrapped by the terminal alone: what is copied from it is one line."""
    return Text(text, no_wrap=True, overflow="ignore")


def _cells(said: Object, now: datetime, with_namespace: bool) -> tuple[str, ...]:
    place = (said["namespace"],) if with_namespace else ()
    middle = [
        str(said.get(key, ""))
        for key in (
            "pair",
            "method",
            "speculation",
            "effectiveTokens",
            "acceptanceRatePercent",
            "speedup",
        )
    ]
    ready = f"{said.get('readyReplicas', 0)}/{said.get('replicas', 1)}"
    age = age_of(datetime.fromisoformat(said["creationTimestamp"]), now)
    return (*place, said["name"], said.get("ready", ""), ready, *middle, age)


def age_of(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that counts two or more, else in seconds."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length_s in _UNITS:
        if seconds >= 2 * length_s:
            return f"{seconds // length_s}{unit}"
    return f"{seconds}s"
