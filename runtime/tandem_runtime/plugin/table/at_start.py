"""The table as an engine finds it that reads it once, when it starts."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from tandem_runtime.contract import environment, pod_lock
from tandem_runtime.contract.table import SpeculationTable
from tandem_runtime.plugin.table import table_file


def of_pod(environ: Mapping[str, str], instead: str) -> SpeculationTable | None:
    """The table of this pod's lock, or None with the reason in the log.

    ``instead`` says which K is taken then.
    """
    path = environ.get(environment.TABLE_FILE)
    if not path:
        return None
    loaded = table_file.read(path)
    if isinstance(loaded, table_file.Refusal):
        print(f"tandem: {loaded.message}; K is {instead}", file=sys.stderr)
        return None
    own = pod_lock.hash_of(environ.get(environment.LOCK))
    if own and loaded.lock != own:
        message = f"{path} is of lock {loaded.lock!r}, not {own!r}"
        print(f"tandem: {message}; K is {instead}", file=sys.stderr)
        return None
    return loaded
