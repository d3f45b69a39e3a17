"""Sets the engine's K live, through the table file that its plugin reads, and puts things back.

The file may be an operator's or may not exist yet. Its lock is what the plugin reports, its epoch
one of this run, so that the plugin takes it whatever was in force.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import replace
from pathlib import Path

from tandem_operator.bench.endpoint import Endpoint, EndpointError
from tandem_operator.engines.metrics.sample import Plugin
from tandem_runtime.contract.table import (
    ALLOW,
    Range,
    SpeculationTable,
    parse,
    render,
)

TAKEN_WITHIN_S = 15.0
_POLL_S = 0.05
_LAST = 1024


class Steering:
    """K of one engine, by its table file."""

    def __init__(self, endpoint: Endpoint, table: Path) -> None:
        """Read what the file holds now. Raises EndpointError for something that is no table."""
        self._endpoint = endpoint
        self._table = table
        self._epoch = f"bench-{secrets.token_hex(4)}"
        self._generation = 0
        self._before: str | None = None
        self._deepest: int | None = None
        self._lock = ""
        if table.exists():
            try:
                self._before = table.read_text(encoding="utf-8")
                parse(self._before)
            except (OSError, ValueError) as problem:
                raise EndpointError(f"{table}: {problem}: give the plugin's table") from problem
        elif not table.parent.is_dir():
            raise EndpointError(
                f"{table.parent} is no folder: give TANDEM_TABLE_FILE of the engine"
            )

    async def set_tokens(self, tokens: int) -> int:
        """Let every batch draft ``tokens``; returns the K that is then in force.

        It may be less: the engine's deepest K and its tiers bound it. Raises EndpointError when
        the plugin does not take the table.
        """
        plugin = await self.put(
            SpeculationTable(
                lock="",
                generation=0,
                schedule=(Range(1, _LAST, tokens),),
                constrained_output=ALLOW,
                reason="tandem bench",
            )
        )
        in_force = plugin.tokens_for(1) or 0
        self._deepest = max(self._deepest or 0, in_force)
        return in_force

    async def put(self, table: SpeculationTable) -> Plugin:
        """Let the engine follow ``table``, under this run's own lock, epoch and generation.

        Returns what the plugin says once the table is in force. Raises EndpointError when the
        plugin does not take it.
        """
        self._generation += 1
        plugin = await self._plugin()
        self._lock = plugin.lock
        own = replace(table, lock=self._lock, epoch=self._epoch, generation=self._generation)
        self._write(render(own))
        deadline_s = time.monotonic() + TAKEN_WITHIN_S
        while time.monotonic() < deadline_s:
            plugin = await self._plugin()
            taken = (plugin.epoch, plugin.applied_generation) == (self._epoch, self._generation)
            if taken and plugin.effective:
                return plugin
            await asyncio.sleep(_POLL_S)
        raise EndpointError(
            f"the plugin did not take {self._table} within {TAKEN_WITHIN_S:.0f} s (mode "
            f"{plugin.mode}, {plugin.reason or 'no reason'}; generation "
            f"{plugin.applied_generation} of {plugin.epoch or 'no epoch'}): the file must be the "
            "engine's TANDEM_TABLE_FILE"
        )

    def restore(self) -> None:
        """Put back the table that was there; without one, the deepest K that was seen."""
        self._generation += 1
        if self._before is None and self._deepest is None:
            # No engine took a table from here: nothing may be left.
            self._table.unlink(missing_ok=True)
            return
        if self._before is None:
            self._write(
                render(
                    SpeculationTable(
                        lock=self._lock,
                        epoch=self._epoch,
                        generation=self._generation,
                        schedule=(Range(1, _LAST, self._deepest or 0),),
                    )
                )
            )
            return
        before = parse(self._before)
        # Without an epoch of its own only a higher generation displaces this run's table.
        again = replace(before, generation=before.generation + self._generation)
        self._write(self._before if before.epoch else render(again))

    def _write(self, text: str) -> None:
        fresh = self._table.with_name(self._table.name + ".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self._table)

    async def _plugin(self) -> Plugin:
        plugin = (await self._endpoint.sample()).plugin
        if plugin is None:
            raise EndpointError(
                "the engine reports no tandem:info: K is set live by the plugin alone; without "
                "--table-file the K in force is measured"
            )
        return plugin
