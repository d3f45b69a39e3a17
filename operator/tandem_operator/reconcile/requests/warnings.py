"""Words of Events about objects that wait and do not say why themselves.

A Job whose pods are refused shows that nowhere but in Events; nobody watches those, for there are
more of them than of everything else. They are read only for what a plan asks about, and not before
it has waited for a while.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tandem_operator.clock import Clock
from tandem_operator.cluster.store import Key
from tandem_operator.planning.plan import Asked
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.reconcile.requests.errors import RefusedError, RetryError

Object = dict[str, Any]
LOG = logging.getLogger(__name__)

FIRST_S = 5.0
LONGEST_S = 60.0
LEAST_BETWEEN_S = 0.1
SHARE = 10
"""So many times as long as a read took passes between the beginnings of two."""
UNTOLD = (
    "SuccessfulCreate",
    "Suspended",
    "Scheduled",
    "Pulling",
    "Pulled",
    "Created",
    "Started",
)
"""Reasons of Events that are no news to who asks why something waits."""


@dataclass
class _Question:
    asked: Asked
    due_s: float
    pause_s: float = FIRST_S
    words: str | None = None


class Warnings:
    """Reads after 5 s, then after 10, 20, 40 and every 60 s, for as long as a plan asks.

    All reads together take a tenth of one connection's time at most: the API server looks through
    every Event of the namespace for each.
    """

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._open: dict[Key, dict[str, _Question]] = {}
        self._free_s = 0.0

    def words(self, key: Key) -> Mapping[str, str]:
        """What was read last, by the UID of the object."""
        open_questions = self._open.get(key, {})
        return {uid: each.words for uid, each in open_questions.items() if each.words is not None}

    def due_s(self, key: Key) -> float | None:
        """Seconds until something is to be read; None: nothing is asked."""
        due = [each.due_s for each in self._open.get(key, {}).values()]
        return max(0.0, max(min(due), self._free_s) - self._clock.now_s()) if due else None

    def forget(self, key: Key) -> None:
        self._open.pop(key, None)

    async def read(self, key: Key, asked: Iterable[Asked]) -> bool:
        """Read what is due of what is asked; returns whether there are other words than before."""
        now_s = self._clock.now_s()
        before = self._open.pop(key, {})
        questions = {
            each.uid: before.get(each.uid, _Question(each, now_s + FIRST_S)) for each in asked
        }
        if questions:
            self._open[key] = questions
        changed = False
        for question in questions.values():
            began_s = self._clock.now_s()
            if question.due_s > began_s or self._free_s > began_s:
                continue
            question.pause_s = min(2 * question.pause_s, LONGEST_S)
            question.due_s = began_s + question.pause_s
            self._free_s = began_s + LEAST_BETWEEN_S
            words = await self._newest(key[0], question.asked)
            took_s = self._clock.now_s() - began_s
            self._free_s = max(self._free_s, began_s + SHARE * took_s)
            changed = changed or words != question.words
            question.words = words
        return changed

    async def _newest(self, namespace: str, asked: Asked) -> str | None:
        try:
            events = await self._client.events_about(namespace, asked.uid)
        except (RefusedError, RetryError) as error:
            # Without the right to read Events, or without an answer, the plan says where to look.
            LOG.info("Events about %s %s: %s", asked.reference.kind, asked.reference.name, error)
            return None
        telling = [each for each in events if each.get("reason") not in UNTOLD]
        if not telling:
            return None
        newest = max(telling, key=lambda each: (each.get("type") == "Warning", _time(each)))
        return f"{newest.get('reason', '')}: {newest.get('note', '')}"


def _time(event: Object) -> str:
    """When it was last seen, as text that sorts."""
    series = (event.get("series") or {}).get("lastObservedTime")
    times = (series, event.get("deprecatedLastTimestamp"), event.get("eventTime"))
    return max((str(each) for each in times if each), default="")
