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
    found = table_file.read(path)
    if isinstance(found, table_file.Refusal):
        print(f"tandem: {found.message}; K is {instead}", file=sys.stderr)
        return None
    own = pod_lock.hash_of(environ.get(environment.LOCK))
    if own and found.lock != own:
        message = f"{path} is of lock {found.lock!r}, not {own!r}"
        print(f"tandem: {message}; K is {instead}", file=sys.stderr)
        return None
    return found
