"""The thread in the scheduler's process: takes new tables and writes the report.

A thread, so that a slow volume never blocks a step and an idle engine acknowledges a new table.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from tandem_runtime.plugin.metrics.report import write
from tandem_runtime.plugin.table.plan import Plan

POLL_S = 0.1
REPORT_S = 0.5

_log = logging.getLogger("vllm.tandem")


class TableSource(Protocol):
    """Where tables come from: a file (`TableLoader`), or what a neighbour hands over."""

    @property
    def plan(self) -> Plan | None:
        """The plan in force."""
        ...

    @property
    def refused(self) -> Mapping[str, int]:
        """Tables refused, by cause."""
        ...

    @property
    def clamped(self) -> int:
        """Ranges that asked for more than the engine has."""
        ...

    @property
    def message(self) -> str:
        """Why the newest table was refused; "" when it was not."""
        ...

    def poll(self, now_s: float) -> bool:
        """Whether a new plan is in force since the last call."""
        ...


class Watcher:
    """Polls the table every 100 ms; writes the report on a new table and twice a second."""

    def __init__(
        self,
        loader: TableSource | None,
        folder: Path,
        engine: int,
        content: Callable[[], dict[str, Any]],
    ) -> None:
        """`content` makes the report's part that the scheduler knows; called in this thread.

        Where it says `applies: False`, no table is in force, whatever the file holds: the report
        then names none, so that nobody takes a switch for thrown.
        """
        self._loader = loader
        self._folder = folder
        self._engine = engine
        self._content = content
        self._stopped = threading.Event()
        self._failure = ""
        self._thread = threading.Thread(target=self._run, name="tandem-watcher", daemon=True)

    @property
    def plan(self) -> Plan | None:
        """The plan in force; one read of an attribute, safe in any thread."""
        return None if self._loader is None else self._loader.plan

    def start(self) -> None:
        """Take the table that is there already, then go on in the thread."""
        self._tick(True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the report stays as it was written last."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def _run(self) -> None:
        due_s = time.monotonic() + REPORT_S
        while not self._stopped.wait(POLL_S):
            if self._tick(time.monotonic() >= due_s):
                due_s = time.monotonic() + REPORT_S

    def _tick(self, due: bool) -> bool:
        """Whether a report was due or a new table made one due."""
        try:
            before = "" if self._loader is None else self._loader.message
            if self._loader is not None and self._loader.poll(time.monotonic()):
                table = self._loader.plan.table if self._loader.plan else None
                _log.info("tandem: table in force: %s", table)
                due = True
            if self._loader is not None and self._loader.message not in ("", before):
                _log.warning("tandem: table refused: %s", self._loader.message)
                due = True
            if due:
                write(self._folder, self._engine, self._report())
        except Exception as error:  # noqa: BLE001 (the thread must live: it applies the kill switch)
            if str(error) != self._failure:
                self._failure = str(error)
                _log.warning("tandem: the report cannot be written: %r", error)
        return due

    def _report(self) -> dict[str, Any]:
        at_s = time.monotonic()  # Before the content, which then is no older than it says.
        content = self._content()
        plan = self.plan if content.get("applies", True) else None
        loader = self._loader
        return {
            "at_s": at_s,
            **content,
            "lock": plan.table.lock if plan else "",
            "epoch": plan.table.epoch if plan else "",
            "generation": plan.table.generation if plan else -1,
            "effective": plan.effective() if plan else [],
            "refused": dict(loader.refused) if loader else {},
            "clamped": loader.clamped if loader else 0,
        }
