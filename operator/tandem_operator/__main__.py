"""`python -m tandem_operator`: the operator, configured by its environment and arguments."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys

from tandem_operator import ending
from tandem_operator.app import serve
from tandem_operator.settings import Settings, SettingsError
from tandem_operator.telemetry import logs


def main() -> int:
    try:
        settings = Settings.from_environ(os.environ, sys.argv[1:])
    except SettingsError as error:
        print(f"tandem-operator: {error}", file=sys.stderr)
        return 2
    # What was imported stays. A full collection that walks it too holds up all else meanwhile.
    gc.freeze()
    logs.configure(settings.log_level, settings.log_format)
    try:
        asyncio.run(serve(settings))
    except BaseExceptionGroup as group:
        for leaf in _leaves(group):
            logging.getLogger("tandem_operator").critical("ended by: %r", leaf, exc_info=leaf)
        return ending.FAILED
    except Exception:
        logging.getLogger("tandem_operator").critical("ended by:", exc_info=True)
        return ending.FAILED
    return 0


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves


if __name__ == "__main__":
    ending.now(main())
