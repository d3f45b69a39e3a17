"""Writes Kubernetes Events: few, whatever comes and goes. What repeats is counted in a series."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tandem_operator.api import names
from tandem_operator.clock import Clock
from tandem_operator.cluster.store import Key
from tandem_operator.planning import EventRecord
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.reconcile.requests.errors import LeavingError, RefusedError, RetryError

Object = dict[str, Any]
LOG = logging.getLogger(__name__)

MOST_A_MINUTE = 8
"""Writes of Events about one resource, new ones and series together."""
KEPT_FOR_WARNINGS = 2
"""Writes beyond those, for a Warning of a reason that was not told yet: status may not tell it."""
MINUTE_S = 60.0
SERIES_EVERY_S = 30.0
"""How often a series is brought up to date."""
SERIES_ENDS_S = 600.0
"""What did not come again for so long is news when it does."""
LONGEST_NOTE = 1024
"""Bytes."""


@dataclass
class _Series:
    """One Event that was made. ``reported`` is the count that the API server knows."""

    name: str
    event_record: EventRecord
    written_s: float
    last_s: float
    count: int = 1
    reported: int = 1


@dataclass
class _Recorded:
    series: list[_Series] = field(default_factory=list)
    writes_s: list[float] = field(default_factory=list)


class EventRecorder:
    """Events of all resources. None holds anything up: what matters stands in status too."""

    def __init__(self, client: Client, clock: Clock, identity: str) -> None:
        self._client = client
        self._clock = clock
        self._identity = identity
        self._recorded: dict[Key, _Recorded] = {}

    async def record(self, resource: Object, event_record: EventRecord) -> None:
        """Make an Event, or count it where the same was told lately. Raises NotLeadingError or
        LeavingError."""
        key, now_s = _key(resource), self._clock.now_s()
        recorded = self._recorded.setdefault(key, _Recorded())
        recorded.series = [each for each in recorded.series if now_s - each.last_s < SERIES_ENDS_S]
        same = [each for each in recorded.series if each.event_record == event_record]
        alike = [
            each for each in recorded.series if _kind(each.event_record) == _kind(event_record)
        ]
        news = event_record.type == "Warning" and not alike
        room = self._room(recorded, KEPT_FOR_WARNINGS if news else 0)
        known = same or ([] if room else alike)
        if known:
            known[-1].count, known[-1].last_s = known[-1].count + 1, now_s
        elif room:
            await self._make(resource, event_record, recorded)
        else:
            LOG.info("%s/%s: %s is not told as an Event: too many", *key, event_record.reason)

    async def bring_up_to_date(self, key: Key) -> None:
        """Write the series that are due. Raises NotLeadingError or LeavingError."""
        recorded, now_s = self._recorded.get(key), self._clock.now_s()
        for series in () if recorded is None else tuple(recorded.series):
            due = series.count > series.reported and now_s - series.written_s >= SERIES_EVERY_S
            if recorded is not None and due and self._room(recorded):
                recorded.writes_s.append(now_s)
                series.reported, series.written_s = series.count, now_s
                change = {"count": series.count, "lastObservedTime": _micro(series.last_s)}
                await self._attempt(
                    self._client.patch_event(key[0], series.name, {"series": change}),
                    series.event_record,
                )

    def due_s(self, key: Key) -> float | None:
        """Seconds until a series is to be brought up to date, if any is."""
        recorded, now_s = self._recorded.get(key), self._clock.now_s()
        if recorded is None:
            return None
        due = [
            max(0.0, each.written_s + SERIES_EVERY_S - now_s)
            for each in recorded.series
            if each.count > each.reported
        ]
        if due and not self._room(recorded):
            return max(min(due), recorded.writes_s[0] + MINUTE_S - now_s)
        return min(due, default=None)

    def forget(self, key: Key) -> None:
        self._recorded.pop(key, None)

    def _room(self, recorded: _Recorded, more: int = 0) -> bool:
        began_s = self._clock.now_s() - MINUTE_S
        recorded.writes_s = [each for each in recorded.writes_s if each > began_s]
        return len(recorded.writes_s) < MOST_A_MINUTE + more

    async def _make(self, resource: Object, event_record: EventRecord, recorded: _Recorded) -> None:
        metadata, now_s = resource["metadata"], self._clock.now_s()
        name = f"{metadata['name']}.{secrets.token_hex(8)}"
        recorded.writes_s.append(now_s)
        recorded.series.append(_Series(name, event_record, now_s, now_s))
        body = self._body(metadata, name, event_record)
        await self._attempt(self._client.create_event(metadata["namespace"], body), event_record)

    async def _attempt(self, write: Any, event_record: EventRecord) -> None:
        try:
            await write
        except LeavingError:
            raise
        except (RefusedError, RetryError) as error:
            LOG.warning("Event %s is not written: %s", event_record.reason, error)

    def _body(self, metadata: Object, name: str, event_record: EventRecord) -> Object:
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "eventTime": _micro(self._clock.now_s()),
            "type": event_record.type,
            "reason": event_record.reason,
            "note": _cut(event_record.message),
            "action": "Reconcile",
            "reportingController": "tandem.dev/operator",
            "reportingInstance": self._identity[:128],
            "regarding": {
                "apiVersion": names.API_VERSION,
                "kind": names.KIND,
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
        }


def _cut(message: str) -> str:
    """The message as far as the API server takes it: it counts bytes."""
    return message.encode()[:LONGEST_NOTE].decode(errors="ignore")


def _key(resource: Object) -> Key:
    return (resource["metadata"]["namespace"], resource["metadata"]["name"])


def _kind(event_record: EventRecord) -> tuple[str, str]:
    return (event_record.type, event_record.reason)


def _micro(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
