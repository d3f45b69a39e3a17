"""The copy of this package that a pod mounts beside a stock engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path


def copy_packages(folder: Path, names: Iterable[str]) -> None:
    """Put these packages into `folder`; on PYTHONPATH it is enough. Raises OSError."""
    source = Path(__file__).resolve().parent.parent
    package = folder / source.name
    package.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "__init__.py", package / "__init__.py")
    for name in names:
        shutil.copytree(
            source / name,
            package / name,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
