"""What `tandem-fetch` copies into a pod whose engine is started by `tandem_runtime.start`."""

from __future__ import annotations

from pathlib import Path

from tandem_runtime.plugin.copying import copy_packages

_COPIED = ("contract", "plugin", "start")


def copy_to(folder: Path) -> None:
    """Put the packages into `folder`; on PYTHONPATH it is enough. Raises OSError."""
    copy_packages(folder, _COPIED)
