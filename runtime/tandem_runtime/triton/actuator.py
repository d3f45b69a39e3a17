"""`python -m tandem_runtime.triton.actuator --model NAME`: the table's way into Triton.

A container beside Triton's. It reads the table file by the same code as every engine and speaks to
Triton on loopback alone. Where Triton does not answer, what is in force stays, and it tries again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

from tandem_runtime.contract import environment, paths, pod_lock
from tandem_runtime.plugin.table.plan import limits_of
from tandem_runtime.plugin.table.table_loader import TableLoader
from tandem_runtime.plugin.watcher import POLL_S
from tandem_runtime.triton.applying import Actuator
from tandem_runtime.triton.client import TritonChannel

_log = logging.getLogger("tandem.actuator")


def main() -> None:
    """Act until SIGTERM; ends with a sentence where its environment does not say what it needs."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    parser = argparse.ArgumentParser(prog="tandem-actuator", allow_abbrev=False)
    parser.add_argument("--model", required=True, help="the model's name in Triton")
    parser.add_argument("--address", default="127.0.0.1:8001", help="Triton's gRPC")
    options = parser.parse_args()
    try:
        loader = _loader(os.environ)
    except (KeyError, ValueError) as error:
        sys.exit(
            f"tandem: {environment.TABLE_FILE} and {environment.MAX_TOKENS} are needed: {error}"
        )
    asyncio.run(_act(loader, options.address, options.model))


def _loader(environ: os._Environ[str]) -> TableLoader:
    limits = limits_of(int(environ[environment.MAX_TOKENS]), environ.get(environment.TIERS))
    lock = pod_lock.hash_of(environ.get(environment.LOCK))
    return TableLoader(environ[environment.TABLE_FILE], lock, limits)


async def _act(loader: TableLoader, address: str, model: str) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    folder = Path(os.environ.get(environment.METRICS_DIR) or paths.METRICS)
    async with TritonChannel(address, model, folder) as channel:
        actuator = Actuator(loader, channel)
        while not stopped.is_set():
            try:
                await actuator.step()
            except Exception:  # noqa: BLE001 (it must live: without it no switch is thrown)
                _log.exception("tandem: a step has failed; the next one follows")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), POLL_S)


if __name__ == "__main__":
    main()
